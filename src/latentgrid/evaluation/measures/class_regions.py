"""Where the codes of each class lie: how much they scatter, and how large a region they take."""

from typing import Any

import numpy as np

from latentgrid.results.trained import Array, TestSet, TrainedRun

# The names under which `measure` returns single numbers.
MEASURES = ("class_scatter", "region_ratio")


def measure(run: TrainedRun, test: TestSet) -> dict[str, Any]:
    """Return `class_scatter` and `region_ratio` of the test codes with their classes."""
    codes = run.last("codes")
    if codes is None:
        return {}
    return of_classes(codes[: len(test.labels)], test.labels)


def of_classes(codes: Array, labels: Array) -> dict[str, Any]:
    """Return two numbers of codes (n, d) with labels (n,); nothing where one is not defined.

    `class_scatter`, in [0, 1], is the variance of the codes within their classes over all of their
    variance, summed over dimensions: tr S_W / tr S_T (Fukunaga 1990, section 10.2). It asks how
    scattered the classes are whatever the scale of the codes, as source 002 (section 4.4.1).

    `region_ratio`, 1 or more, is the size of the largest class's region over that of the smallest.
    A size is |Σ|^(1/d) of the covariance Σ of the class's codes, which is proportional to the area
    of a class in the plane; source 000 (section 6.8.2) wishes for regions of equal size.
    """
    points = codes.astype(np.float64)
    classes = [points[labels == label] for label in np.unique(labels)]
    total = np.square(points - points.mean(axis=0)).sum()
    found: dict[str, Any] = {}
    if total > 0:
        within = sum(np.square(of - of.mean(axis=0)).sum() for of in classes)
        found["class_scatter"] = float(within / total)
    sizes = [size(of) for of in classes]
    if min(sizes) > 0:
        found["region_ratio"] = float(max(sizes) / min(sizes))
    return found


def size(codes: Array) -> float:
    """Return |Σ|^(1/d) of the covariance Σ of codes (n, d); 0 if they lie in a plane or a point."""
    n, dimensions = codes.shape
    if n <= dimensions:
        return 0.0
    sign, logarithm = np.linalg.slogdet(np.cov(codes, rowvar=False).reshape(dimensions, dimensions))
    return float(np.exp(logarithm / dimensions)) if sign > 0 else 0.0
