"""Whether the codes nearest to a code are of its class."""

from collections import Counter

import numpy as np
from sklearn.neighbors import NearestNeighbors

from latentgrid.results.trained import Array

NEIGHBOURS = 10
MAX_CODES = 2000  # codes to judge the overlaps by


def neighbours(codes: Array, labels: Array) -> tuple[float, tuple[int, int] | None]:
    """Return the accuracy of a vote of the nearest other codes, and the classes it mixes most.

    Codes (n, d), labels (n,). The pair is None if no code is taken for another class.
    """
    nearest = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(codes) - 1)).fit(codes)
    votes = labels[nearest.kneighbors(return_distance=False)]
    named = np.array([np.bincount(vote).argmax() for vote in votes])
    wrong = Counter(
        (int(min(a, b)), int(max(a, b))) for a, b in zip(named, labels, strict=True) if a != b
    )
    pair = wrong.most_common(1)[0][0] if wrong else None
    return float((named == labels).mean()), pair
