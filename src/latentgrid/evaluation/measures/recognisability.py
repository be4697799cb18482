"""Whether a judge, a classifier trained on the real images, recognises what a run makes."""

from typing import Any

import numpy as np
from scipy.stats import entropy

from latentgrid.results.trained import Array, TestSet, TrainedRun

CONFIDENCES = {
    "samples": "sample_confidence",
    "prior_draws": "prior_confidence",
    "fitted_draws": "fitted_confidence",
    "reconstructions": "reconstruction_confidence",
}


def measure(run: TrainedRun, test: TestSet) -> dict[str, Any]:
    """Return what the judge's probabilities say of the images that a run makes.

    Empty without a judge. A confidence, in (0, 1], is the mean of the most probable class's
    probability: of samples, of images decoded from draws of N(0, I) (`prior_confidence`) and of the
    Gaussian fitted to the codes (`fitted_confidence`), and of reconstructed test images. Of these
    `reconstruction_accuracy`, in [0, 1], is the share taken for the class of the original.
    `sample_score` is `inception_score` of the samples, `sample_classes` is `classes_seen`.
    """
    judged = run.judged
    figures: dict[str, Any] = {
        CONFIDENCES[kind]: confidence(probabilities) for kind, probabilities in judged.items()
    }
    if "samples" in judged:
        figures["sample_classes"] = classes_seen(judged["samples"])
        figures["sample_score"] = inception_score(judged["samples"])
    if "reconstructions" in judged:
        n = min(len(judged["reconstructions"]), len(test.labels))
        taken_for = judged["reconstructions"][:n].argmax(axis=1)
        figures["reconstruction_accuracy"] = float((taken_for == test.labels[:n]).mean())
    return figures


def confidence(probabilities: Array) -> float:
    """Return the mean over images of the largest of their probabilities (n, classes)."""
    return float(probabilities.max(axis=1).mean(dtype=np.float64))


def classes_seen(probabilities: Array) -> float:
    """Return how many classes there are among images of probabilities (n, classes).

    From 1 to all of them: the exponential of the entropy of how often each class is the most
    probable, so that n equally frequent classes count as n. An Inception score (Salimans et al.
    2016, section 4) takes the entropy of the mean probabilities, which a judge unsure of one and
    the same image makes high.
    """
    counts = np.bincount(probabilities.argmax(axis=1), minlength=probabilities.shape[1])
    return float(np.exp(entropy(counts / counts.sum())))


def inception_score(probabilities: Array) -> float:
    """Return exp(E KL(p(class│image) ‖ p(class))) of probabilities (n, classes).

    Salimans et al. (2016), section 4, with the judge in place of Inception: from 1, which samples
    that are all alike get however sure the judge is of them, to the number of classes, for samples
    of which it is sure and sees each class as often.
    """
    exact = probabilities.astype(np.float64)
    mean = exact.mean(axis=0, keepdims=True)
    return float(np.exp(entropy(exact, np.broadcast_to(mean, exact.shape), axis=1).mean()))
