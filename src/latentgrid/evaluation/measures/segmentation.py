"""How well the pixels of scenes are told apart."""

from typing import Any

import numpy as np

from latentgrid.results.trained import Array, TestSet, TrainedRun

# The names under which `measure` returns single numbers.
MEASURES = ("mean_iou", "pixel_accuracy", "border_accuracy")
LARGER_IS_BETTER = ("mean_iou", "pixel_accuracy", "border_accuracy")


def measure(run: TrainedRun, test: TestSet) -> dict[str, Any]:
    """Return how well the scenes of all test images are segmented, in [0, 1]; else nothing.

    `mean_iou` and `iou_by_class` are intersection over union, see there; `pixel_accuracy` is the
    share of pixels whose most probable class is theirs, and `border_accuracy` that of the
    background pixels between two objects, if there are any.
    """
    confusion, between = run.last("confusion"), run.last("between")
    if confusion is None or between is None:
        return {}
    by_class = intersection_over_union(confusion)
    measured: dict[str, Any] = {
        "mean_iou": float(np.mean([iou for iou in by_class if iou is not None])),
        "iou_by_class": by_class,
        "pixel_accuracy": float(np.trace(confusion) / confusion.sum()),
    }
    if between[0]:
        measured["border_accuracy"] = float(between[1] / between[0])
    return measured


def intersection_over_union(confusion: Array) -> list[float | None]:
    """Return for each class |true ∩ found| / |true ∪ found| over the pixels of all scenes.

    Everingham et al. (2010), "The PASCAL visual object classes challenge", section 4.1.3; their
    mean counts the background as a class, as here.

    Args:
        confusion: the number of pixels of each class (row) that were taken for each (column).

    Returns:
        In [0, 1]; None for a class that neither is anywhere nor was found anywhere.
    """
    both = np.diag(confusion)
    either = confusion.sum(axis=0) + confusion.sum(axis=1) - both
    return [float(b / e) if e else None for b, e in zip(both, either, strict=True)]
