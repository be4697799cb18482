"""Controls of the accuracy of nearest neighbours, which figures of latent spaces give."""

from collections.abc import Iterator

import numpy as np
from scipy.spatial.distance import cdist

from latentgrid.evaluation import neighbours
from latentgrid.evaluation.controls import (
    CLASSES,
    Control,
    Material,
    balanced,
    exactly,
    over_permutations,
    permuted,
)
from latentgrid.results.trained import Array

NAME = "neighbours"
CODES = 500


def controls(material: Material) -> Iterator[Control]:
    """Yield codes in known places, and the test images as codes with labels in random order."""
    labels = balanced(CODES)
    apart = 10 * np.eye(CLASSES, dtype=np.float32)[labels]
    share, _ = neighbours.neighbours(apart, labels)
    why = "all ten neighbours are of the same class"
    yield Control(NAME, "each class in a place of its own", *exactly(1), share, why)
    test = material.test.first(CODES)
    if not test.has_classes:
        return
    points = test.images.reshape(len(test.images), -1).astype(np.float32) / 255
    near = _nearest(points)
    expected = over_permutations(lambda labels: _right(near, labels), test.labels, NAME)
    share, _ = neighbours.neighbours(points, permuted(test.labels, NAME))
    why = "mean ± 5 deviations of 100 other orders, from the distances by the definition: chance"
    case = "test images as codes, labels in random order"
    yield Control(NAME, case, *expected, share, why)


def _nearest(points: Array) -> Array:
    distances = cdist(points, points)
    np.fill_diagonal(distances, np.inf)
    count = min(neighbours.NEIGHBOURS, len(points) - 1)
    nearest: Array = distances.argsort(axis=1)[:, :count]
    return nearest


def _right(nearest: Array, labels: Array) -> float:
    """Return the share of labels (n,) that most of the nearest (n, k) have; a tie goes lower."""
    votes = (labels[nearest][:, :, None] == np.arange(labels.max() + 1)).sum(axis=1)
    return float((votes.argmax(axis=1) == labels).mean())
