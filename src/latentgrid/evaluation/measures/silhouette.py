"""How well the codes of the classes are separated."""

from typing import Any

import numpy as np
from sklearn.metrics import silhouette_samples

from latentgrid.results.trained import Array, TestSet, TrainedRun

# The names under which `measure` returns single numbers.
MEASURES = ("silhouette",)
LARGER_IS_BETTER = ("silhouette",)


def measure(run: TrainedRun, test: TestSet) -> dict[str, Any]:
    """Return the mean silhouette of the test codes with their classes, and the mean of each class.

    Rousseeuw (1987): (b − a)/max(a, b) in [−1, 1], where a is a code's mean Euclidean distance to
    the codes of its own class and b to those of the nearest other class; source 002, table 4.2.
    """
    codes = run.last("codes")
    if codes is None:
        return {}
    return silhouette(codes[: len(test.labels)], test.labels)


def silhouette(codes: Array, labels: Array) -> dict[str, Any]:
    """Return the mean silhouette of codes (n, d) with labels (n,), and the mean of each class.

    Returns nothing where it is not defined: with a single class, or a class for every code.
    """
    values = of_each(codes, labels)
    if values is None:
        return {}
    classes = np.unique(labels)
    return {
        "silhouette": float(values.mean()),
        "silhouette_classes": classes.tolist(),
        "silhouette_by_class": [float(values[labels == label].mean()) for label in classes],
    }


def of_each(codes: Array, labels: Array) -> Array | None:
    """Return the silhouette of each code, (n,), or None where it is not defined."""
    if not 1 < len(np.unique(labels)) < len(labels):
        return None
    values: Array = silhouette_samples(codes, labels)
    return values
