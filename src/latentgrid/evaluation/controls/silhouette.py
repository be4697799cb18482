"""Controls of the silhouette."""

from collections.abc import Iterator

import numpy as np
from scipy.spatial.distance import cdist

from latentgrid.evaluation.controls import (
    CLASSES,
    Control,
    KnownRun,
    Material,
    balanced,
    exactly,
    labelled,
    measured,
    over_permutations,
    permuted,
)
from latentgrid.evaluation.measures import silhouette
from latentgrid.results.trained import Array, TestSet

NAME = "silhouette"
CODES = 500
# Four codes on a line in two classes: a = 1 for each, b = 3.5, 2.5, 2.5, 3.5.
LINE = np.array([[0.0], [1.0], [3.0], [4.0]], np.float32)
ON_A_LINE = (2.5 / 3.5 + 1.5 / 2.5) / 2


def controls(material: Material) -> Iterator[Control]:
    """Yield codes in known places, and the test images as codes with labels in random order."""
    labels = balanced(CODES)
    apart = 10 * np.eye(CLASSES, dtype=np.float32)[labels]
    alike = np.eye(CODES, dtype=np.float32)
    halves = np.array([0, 0, 1, 1], np.uint8)
    known = [
        ("each class in a place of its own", apart, labels, 1.0, "a = 0 for each code"),
        ("all codes equally far from each other", alike, labels, 0.0, "a = b for each code"),
        ("0, 1 and 3, 4 on a line", LINE, halves, ON_A_LINE, "by hand: a = 1, b = 3.5 and 2.5"),
    ]
    for case, codes, classes, expected, why in known:
        yield Control(NAME, case, *exactly(expected), _of(codes, classes), why)
    test = material.test.first(CODES)
    if 1 < len(np.unique(test.labels)) < len(test.labels):  # else it is not defined
        yield _shuffled(test)


def _shuffled(test: TestSet) -> Control:
    points = test.images.reshape(len(test.images), -1).astype(np.float32) / 255
    distances = cdist(points, points)
    expected = over_permutations(lambda labels: mean(distances, labels), test.labels, NAME)
    return Control(
        NAME,
        "test images as codes, labels in random order",
        *expected,
        _of(points, permuted(test.labels, NAME)),
        "mean ± 5 deviations of 100 other orders, from the distances by the definition; just "
        "below 0, as the nearest of several equal classes looks nearer than the own one",
    )


def mean(distances: Array, labels: Array) -> float:
    """Return the mean silhouette by its definition, from all distances (n, n) and labels (n,)."""
    _, own = np.unique(labels, return_inverse=True)
    members = np.eye(own.max() + 1)[own]
    counts = members.sum(axis=0)
    sums = distances @ members
    rows = np.arange(len(own))
    within = sums[rows, own] / np.maximum(counts[own] - 1, 1)
    others = sums / counts
    others[rows, own] = np.inf
    nearest = others.min(axis=1)
    values = (nearest - within) / np.maximum(nearest, within)
    return float(np.where(counts[own] > 1, values, 0).mean())


def _of(codes: Array, labels: Array) -> float:
    return measured(silhouette.measure, KnownRun("ae", {"codes": codes}), labelled(labels), NAME)
