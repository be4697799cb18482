"""Bounds on the log-likelihood of test images, in nats per image, comparable between models."""

from typing import Any

from latentgrid.results.trained import TestSet, TrainedRun

# The names under which `measure` returns single numbers.
MEASURES = (
    "elbo",
    "importance_bound",
    "rate",
    "distortion",
    "elbo_se",
    "importance_bound_se",
    "rate_se",
    "distortion_se",
    "likelihood_images",
    "likelihood_draws",
)
LARGER_IS_BETTER = ("elbo", "importance_bound")


def measure(run: TrainedRun, test: TestSet) -> dict[str, Any]:
    """Return the bounds that the likelihood step computed; nothing for other runs.

    `elbo` and `importance_bound` are lower bounds on log p(x); `rate` and `distortion` sum to
    −elbo; `…_se` are standard errors over the images. The numbers of binary images and draws stand
    beside them. `bounds.of_each` has the formulas.
    """
    return run.likelihood
