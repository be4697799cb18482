"""Whether a judge, a classifier trained on the real images, recognises the samples."""

from typing import Any

import numpy as np
from scipy.stats import entropy

from latentgrid.evaluation.trained import Array, TestSet, TrainedRun


def measure(run: TrainedRun, test: TestSet) -> dict[str, Any]:
    """Return what the judge's probabilities say of the run's samples, if there is a judge."""
    probabilities = run.judged
    return {} if probabilities is None else verdict(probabilities)


def verdict(probabilities: Array) -> dict[str, Any]:
    """Return `sample_confidence` and `sample_classes` of probabilities (n, classes).

    The confidence, in (0, 1], is the mean over samples of the most probable class's probability.
    The number of classes, from 1 to all of them, is the exponential of the entropy of how often
    each class is the most probable: how many classes would be as varied if all were equally
    frequent. An Inception score (Salimans et al. 2016, section 4) asks for both, but takes the
    entropy of the mean probabilities, which a judge unsure of one and the same image makes high.
    """
    classes = probabilities.shape[1]
    counts = np.bincount(probabilities.argmax(axis=1), minlength=classes)
    return {
        "sample_confidence": float(probabilities.max(axis=1).mean(dtype=np.float64)),
        "sample_classes": float(np.exp(entropy(counts / counts.sum()))),
    }
