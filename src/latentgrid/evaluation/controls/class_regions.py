"""Controls of the scatter of classes and the sizes of their regions."""

from collections.abc import Iterator

import numpy as np

from latentgrid.evaluation.controls import (
    CLASSES,
    Control,
    KnownRun,
    Material,
    balanced,
    exactly,
    labelled,
    measured,
)
from latentgrid.evaluation.measures import class_regions
from latentgrid.results.trained import Array

SCATTER, RATIO = "class_scatter", "region_ratio"
CODES = 400
SQUARE = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]], np.float32)
HALVES = np.repeat(np.array([0, 1], np.uint8), len(SQUARE))


def controls(material: Material) -> Iterator[Control]:
    """Yield classes in points, in one place, and in squares of known size and distance."""
    labels = balanced(CODES)
    points = np.eye(CLASSES, dtype=np.float32)[labels]
    value = _of(points, labels, SCATTER)
    yield Control(SCATTER, "each class in a point", *exactly(0), value, "none within a class")
    one_place = np.repeat(np.arange(CODES // CLASSES), CLASSES)[:, None].astype(np.float32)
    value = _of(one_place, labels, SCATTER)
    yield Control(SCATTER, "all classes alike", *exactly(1), value, "none between classes")
    # Two squares whose corners are ±1 and ±3 away from their centres, which are 8 apart.
    codes = np.concatenate([SQUARE, 3 * SQUARE + np.array([8, 0], np.float32)])
    case, why = "two squares, sides 2 and 6, centres 8 apart", "by hand"
    within, between = 4 * 2 + 4 * 18, 8 * 4**2
    expected = within / (within + between)
    yield Control(SCATTER, case, *exactly(expected), _of(codes, HALVES, SCATTER), why)
    yield Control(RATIO, case, *exactly(9), _of(codes, HALVES, RATIO), f"{why}: of their areas")


def _of(codes: Array, labels: Array, name: str) -> float:
    run = KnownRun("ae", {"codes": codes})
    return measured(class_regions.measure, run, labelled(labels), name)
