"""Controls of segmentation."""

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
from latentgrid.evaluation.measures import segmentation
from latentgrid.results.trained import Array

KINDS = 1 + CLASSES
EACH = 100  # pixels of each class


def controls(material: Material) -> Iterator[Control]:
    """Yield scenes whose pixels are all found, all taken for the next class, and all background."""
    right = EACH * np.eye(KINDS, dtype=np.int64)
    background = np.zeros_like(right)
    background[:, 0] = EACH
    cases: list[tuple[str, Array, tuple[int, int], tuple[float, float, float], str]] = [
        ("the true classes", right, (9, 9), (1, 1, 1), "by definition"),
        ("the next class", np.roll(right, 1, axis=1), (9, 0), (0, 0, 0), "by definition"),
        (
            "background everywhere, as many pixels of each class",
            background,
            (9, 9),
            (1 / KINDS**2, 1 / KINDS, 1),
            "of eleven classes one has the IoU 1/11, the others 0",
        ),
    ]
    for case, confusion, between, expected, why in cases:
        found = {"confusion": confusion, "between": np.array(between)}
        run = KnownRun("unet_segmentation", found)
        for name, value in zip(segmentation.MEASURES, expected, strict=True):
            got = measured(segmentation.measure, run, labelled(balanced(1)), name)
            yield Control(name, case, *exactly(value), got, why)
