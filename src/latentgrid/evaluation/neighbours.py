"""Nearest neighbours of codes, and whether they are of the same class."""

from collections import Counter

import numpy as np
from sklearn.neighbors import NearestNeighbors

from latentgrid.results.trained import Array

NEIGHBOURS = 10
MAX_CODES = 2000  # the number of codes from which overlaps are estimated


def neighbours(codes: Array, labels: Array) -> tuple[float, tuple[int, int] | None]:
    """Classify each code by a vote of its nearest other codes.

    Args:
        codes: (n, d).
        labels: (n,).

    Returns:
        The share of codes classified rightly, and the pair of classes that are confused most often;
        None if none is confused.
    """
    nearest = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(codes) - 1)).fit(codes)
    votes = labels[nearest.kneighbors(return_distance=False)]
    named = np.array([np.bincount(vote).argmax() for vote in votes])
    wrong = Counter(
        (int(min(a, b)), int(max(a, b))) for a, b in zip(named, labels, strict=True) if a != b
    )
    pair = wrong.most_common(1)[0][0] if wrong else None
    return float((named == labels).mean()), pair
