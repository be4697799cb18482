"""How recognisable a run's images are to the judge, a classifier trained on the real images."""

from typing import Any

import numpy as np
from scipy.stats import entropy

from latentgrid.results.trained import Array, TestSet, TrainedRun

# The names under which `measure` returns single numbers.
MEASURES = (
    "sample_confidence",
    "prior_confidence",
    "fitted_confidence",
    "reconstruction_confidence",
    "reconstruction_accuracy",
    "sample_classes",
    "sample_score",
)
LARGER_IS_BETTER = (
    "sample_confidence",
    "prior_confidence",
    "fitted_confidence",
    "reconstruction_confidence",
    "reconstruction_accuracy",
    "sample_classes",
    "sample_score",
)
CONFIDENCES = {
    "samples": "sample_confidence",
    "prior_draws": "prior_confidence",
    "fitted_draws": "fitted_confidence",
    "reconstructions": "reconstruction_confidence",
}


def measure(run: TrainedRun, test: TestSet) -> dict[str, Any]:
    """Return measures of the judge's probabilities for a run's images; nothing without a judge.

    A confidence, in (0, 1], is the mean probability of the most probable class: for samples
    (`sample_confidence`), for images decoded from draws of N(0, I) (`prior_confidence`) and of the
    Gaussian fitted to the codes (`fitted_confidence`), and for reconstructed test images
    (`reconstruction_confidence`). `reconstruction_accuracy`, in [0, 1], is the share of the latter
    whose most probable class is the class of the original image. `sample_score` is the samples'
    `inception_score`, and `sample_classes` their `classes_seen`.
    """
    judged = run.judged
    measured: dict[str, Any] = {
        CONFIDENCES[kind]: confidence(probabilities) for kind, probabilities in judged.items()
    }
    if "samples" in judged:
        measured["sample_classes"] = classes_seen(judged["samples"])
        measured["sample_score"] = inception_score(judged["samples"])
    if "reconstructions" in judged:
        n = min(len(judged["reconstructions"]), len(test.labels))
        taken_for = judged["reconstructions"][:n].argmax(axis=1)
        measured["reconstruction_accuracy"] = float((taken_for == test.labels[:n]).mean())
    return measured


def confidence(probabilities: Array) -> float:
    """Return the mean over images of the largest of their probabilities (n, classes)."""
    return float(probabilities.max(axis=1).mean(dtype=np.float64))


def classes_seen(probabilities: Array) -> float:
    """Return the effective number of classes among images with probabilities (n, classes).

    It is the exponential of the entropy of how often each class is the most probable one: n equally
    frequent classes count as n. The Inception score (Salimans et al. 2016, section 4) uses the
    entropy of the mean probabilities instead, which is high too when all images are the same and
    the judge is unsure of it.
    """
    counts = np.bincount(probabilities.argmax(axis=1), minlength=probabilities.shape[1])
    return float(np.exp(entropy(counts / counts.sum())))


def inception_score(probabilities: Array) -> float:
    """Return exp(E KL(p(class│image) ‖ p(class))) of probabilities (n, classes).

    Salimans et al. (2016), section 4, with the judge in place of Inception. It ranges from 1, for
    samples that are all alike, however sure the judge is of them, to the number of classes, for
    samples of which the judge is sure and sees each class equally often.
    """
    exact = probabilities.astype(np.float64)
    mean = exact.mean(axis=0, keepdims=True)
    return float(np.exp(entropy(exact, np.broadcast_to(mean, exact.shape), axis=1).mean()))
