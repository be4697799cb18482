"""How many dimensions of the code a model uses."""

from typing import Any

import numpy as np

from latentgrid.grid import catalogue
from latentgrid.results.trained import Array, TestSet, TrainedRun

# The names under which `measure` returns single numbers.
MEASURES = ("active_units",)
ACTIVE = 0.01


def measure(run: TrainedRun, test: TestSet) -> dict[str, Any]:
    """Return `active_units` of the test images' posterior means, if the model has a posterior."""
    codes = run.last("codes")
    if codes is None or "propose" not in catalogue.abilities(run.config.settings["model"]):
        return {}
    return {"active_units": active(codes[: len(test.labels)])}


def active(means: Array) -> int:
    """Return how many dimensions of posterior means (n, d) have a variance above 0.01 over n.

    Burda, Grosse and Salakhutdinov (2016), "Importance weighted autoencoders", section 5.2. The
    other dimensions hardly differ from image to image.
    """
    return int((means.var(axis=0, dtype=np.float64) > ACTIVE).sum())
