"""Controls of the agreement of clusters with classes."""

from collections.abc import Iterator
from math import lgamma, log, sqrt

import numpy as np
from scipy.stats import chi2

from latentgrid.evaluation.controls import (
    ALARMS,
    CLASSES,
    Control,
    KnownRun,
    Material,
    Range,
    balanced,
    exactly,
    labelled,
    measured,
    permuted,
)
from latentgrid.evaluation.measures import clustering

ACCURACY, NMI = "clustering_accuracy", "clustering_nmi"
IMAGES = 1000


def controls(material: Material) -> Iterator[Control]:
    """Yield clusters that are the classes, all images in one cluster, and random clusters."""
    labels = balanced(IMAGES)
    renamed = (labels + 3) % CLASSES
    one = np.zeros_like(labels)
    cases: list[tuple[str, str, np.ndarray, Range, str]] = [
        (ACCURACY, "the classes under other names", renamed, exactly(1), "names do not count"),
        (NMI, "the classes under other names", renamed, exactly(1), "names do not count"),
        (ACCURACY, "one cluster", one, exactly(1 / CLASSES), "it is assigned to one of 10 classes"),
        (NMI, "one cluster", one, exactly(0), "it tells nothing of the class"),
        (ACCURACY, "the labels in random order", permuted(labels, ACCURACY), *_assigned()),
        (NMI, "the labels in random order", permuted(labels, NMI), *_information()),
    ]
    for name, case, clusters, expected, why in cases:
        run = KnownRun("gmvae", {"clusters": clusters.astype(np.int32)})
        value = measured(clustering.measure, run, labelled(labels), name)
        yield Control(name, case, *expected, value, why)


def _assigned() -> tuple[Range, str]:
    """Bound the accuracy of random clusters under the best of all K! assignments."""
    over = sqrt((lgamma(CLASSES + 1) - log(ALARMS)) / (2 * IMAGES))
    why = (
        "no less than the mean over all assignments, 1/10; no more by Hoeffding's inequality for "
        "each of 10! assignments"
    )
    return (1 / CLASSES, 1 / CLASSES + over), why


def _information() -> tuple[Range, str]:
    """Bound the NMI of random clusters: 2n·I is χ² with (K − 1)² degrees of freedom."""
    most = chi2.isf(ALARMS, (CLASSES - 1) ** 2) / (2 * IMAGES) / log(CLASSES)
    return (0.0, float(most)), "2n·I is χ² with 81 degrees of freedom (Wilks 1938)"
