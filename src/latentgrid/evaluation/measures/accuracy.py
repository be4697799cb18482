"""How often a classifier is right."""

from typing import Any

from latentgrid.results.trained import TestSet, TrainedRun

# The names under which `measure` returns single numbers.
MEASURES = ("test_accuracy",)
LARGER_IS_BETTER = ("test_accuracy",)


def measure(run: TrainedRun, test: TestSet) -> dict[str, Any]:
    """Return the share of the test images whose most probable class is their label, in [0, 1]."""
    classes = run.last("classes")
    if classes is None:
        return {}
    return {"test_accuracy": float((classes[: len(test.labels)] == test.labels).mean())}
