"""Controls of `sample_drift`: images that stay, that turn into one another, and that fade."""

from collections.abc import Iterator

import numpy as np

from latentgrid.evaluation.controls import Control, KnownRun, Material, exactly, measured
from latentgrid.evaluation.measures import steadiness
from latentgrid.results.trained import Array

DRIFT = "sample_drift"


def controls(material: Material) -> Iterator[Control]:
    """Yield three pairs of epochs: the same images, the next image for each, and half the light."""
    images = material.test.images[:: max(len(material.test.images) // 200, 1)] // 2 * 2
    cases = (
        ("the same test images in two epochs", images, 0.0, "by definition"),
        (
            "test images, each turned into the next of all",
            np.roll(images, 1, axis=0),
            _of_neighbours(images),
            "by definition, 1 − the correlation of neighbours",
        ),
        (
            "test images that lose half their light",
            images // 2,
            _of_half_the_light(images),
            "‖x/2‖² over 5/4 of the variance of x",
        ),
    )
    for case, after, expected, why in cases:
        run = KnownRun()
        run.snapshots = {"0/samples": after, "1/samples": images, "2/samples": after}
        value = measured(steadiness.measure, run, material.test, DRIFT)
        yield Control(DRIFT, case, *exactly(expected), value, why)


def _of_neighbours(images: Array) -> float:
    """Return 1 − the correlation of each image with the next, over all pixels."""
    points = images.reshape(len(images), -1).astype(float)
    centred = points - points.mean(axis=0)
    return float(1 - (centred * np.roll(centred, 1, axis=0)).sum() / (centred**2).sum())


def _of_half_the_light(images: Array) -> float:
    points = images.reshape(len(images), -1).astype(float)
    return float((points**2).sum() / 4 / (1.25 * ((points - points.mean(axis=0)) ** 2).sum()))
