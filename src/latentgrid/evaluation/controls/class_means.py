"""Controls of what the mean codes of classes decode to."""

from collections.abc import Iterator

import numpy as np

from latentgrid.evaluation.controls import ROUNDING, Control, Material, exactly
from latentgrid.evaluation.measures.class_means import distance, means

NAME = "class_mean_distance"


def controls(material: Material) -> Iterator[Control]:
    """Yield the mean images of the classes, and each class's in the place of another's."""
    test = material.test
    images = means(test.images, test.labels) / 255
    if distance(images, images) is None:  # a single class, or all alike
        return
    value = distance(images, images)
    yield _control("the mean image of each class", 0.0, value, "by definition")
    n = len(images)
    mean = np.broadcast_to(images.mean(axis=0), images.shape)
    why = "half the share (n − 1)/n of all pairs, as Σ‖x − x̄‖² = Σ‖x − y‖²/n over pairs"
    yield _control(
        "the mean of all classes' images", (n - 1) / (2 * n), distance(mean, images), why
    )


def _control(case: str, expected: float, value: float | None, why: str) -> Control:
    return Control(NAME, case, *exactly(expected, ROUNDING), float(value or 0.0), why)
