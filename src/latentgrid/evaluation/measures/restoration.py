"""Whether restored images are means of what they could be, or each one of them."""

from typing import Any

import numpy as np

from latentgrid.grid import catalogue
from latentgrid.results.trained import Array, TestSet, TrainedRun

# The names under which `measure` returns single numbers.
MEASURES = ("restored_spread", "restored_slope")


def measure(run: TrainedRun, test: TestSet) -> dict[str, Any]:
    """Return `restored_spread` and `restored_slope` of a model that removes damage, or nothing.

    Over the first test images x and what the model restores of them, h(x̃), both less the mean test
    image and summed over pixels and images: Σh² / Σx² and Σx·h / Σh². If h(x̃) is the mean of the
    images that x̃ could come from, E[x│x̃], the slope is 1 and the spread is below 1 by what the
    damage hides, as x − E[x│x̃] is orthogonal to every function of x̃ (the law of total variance). If
    it is one of these images, drawn at random, the spread is 1 and the slope is below 1.
    """
    restored = run.last("reconstructions")
    if restored is None or "corrupt" not in catalogue.abilities(run.config.settings["model"]):
        return {}
    spread, slope = against_clean(restored, test.images[: len(restored)], test.images.mean(axis=0))
    return {"restored_spread": spread, "restored_slope": slope}


def against_clean(restored: Array, clean: Array, mean: Array) -> tuple[float, float]:
    """Return Σh² / Σx² and Σx·h / Σh² of restored images h and clean x, both less their mean.

    Images are (n, c, h, w) and the mean is (c, h, w). The slope is nan if all h are the mean.
    """
    h, x = (images.astype(np.float64) - mean for images in (restored, clean))
    squares = float((h * h).sum())
    slope = float((x * h).sum()) / squares if squares else float("nan")
    return squares / float((x * x).sum()), slope
