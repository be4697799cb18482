"""How likely test images are under a model, in nats per image on one scale for all models."""

from typing import Any

from latentgrid.results.trained import TestSet, TrainedRun


def measure(run: TrainedRun, test: TestSet) -> dict[str, Any]:
    """Return what the likelihood step found, if it looked at the run.

    `elbo` and `importance_bound`, lower bounds on log p(x); `rate` and `distortion`, of which the
    ELBO is the negative sum; their standard errors over the images, `…_se`; and of how many binary
    images and draws they are. `bounds.of_each` has the formulas.
    """
    return run.likelihood
