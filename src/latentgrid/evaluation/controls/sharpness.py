"""Controls of how sharp samples are."""

from collections.abc import Iterator

import numpy as np

from latentgrid.evaluation.controls import Control, KnownRun, Material, balanced, exactly, measured
from latentgrid.evaluation.measures import sharpness
from latentgrid.results.trained import Array, TestSet

NAME = "sample_sharpness"
SIDE = 16
STRIPES = np.indices((SIDE, SIDE))[1]


def controls(material: Material) -> Iterator[Control]:
    """Yield the test images as samples, faint ones, and stripes of known width."""
    images = material.test.images
    yield Control(NAME, "the test images", *exactly(1), _of(images, images), "by definition")
    even = images // 2 * 2
    faint = _of(even // 2, even)
    yield Control(NAME, "images of half the brightness", *exactly(1), faint, "the ratio is of both")
    narrow, wide = (_sheet(255 * (STRIPES // width % 2)) for width in (1, 2))
    # Between 16 columns there are 15 borders, 15 of which are edges of the narrow stripes and 7 of
    # the wide ones; both are as bright.
    value = _of(wide, narrow)
    yield Control(NAME, "stripes of two pixels beside one", *exactly(7 / 15), value, "by hand")


def _sheet(image: Array) -> Array:
    return image.astype(np.uint8)[None, None]


def _of(samples: Array, real: Array) -> float:
    test = TestSet(real, balanced(len(real)))
    return measured(sharpness.measure, KnownRun("vae", {"samples": samples}), test, NAME)
