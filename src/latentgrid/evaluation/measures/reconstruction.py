"""The squared error of reconstructions, comparable between models."""

from typing import Any

from latentgrid.results.trained import TestSet, TrainedRun

# The names under which `measure` returns single numbers.
MEASURES = ("test_squared_error",)


def measure(run: TrainedRun, test: TestSet) -> dict[str, Any]:
    """Return `test_squared_error`: Σ(x̂ − x)² over pixels, mean over the test images.

    x̂ is the reconstruction, cut to [0, 1], of the image or, for a model that removes damage, of the
    damaged image. Unlike the losses, it can be compared between all models that reconstruct.
    """
    errors = run.last("squared_error")
    if errors is None:
        return {}
    return {"test_squared_error": float(errors[: len(test.labels)].mean())}
