"""Controls of the judge, and of the scores that are computed from its probabilities."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import exp, log, nextafter

import numpy as np
import torch
from scipy.stats import entropy

from latentgrid.evaluation.controls import (
    CLASSES,
    Control,
    Judge,
    KnownRun,
    Material,
    Range,
    balanced,
    exactly,
    labelled,
    matches,
    measured,
    permuted,
)
from latentgrid.evaluation.judge import DRAWS, probabilities
from latentgrid.evaluation.measures import recognisability
from latentgrid.randomness import random_generator
from latentgrid.results.trained import Array, TestSet

ACCURACY, CONFIDENCE = "reconstruction_accuracy", "sample_confidence"
SCORE, SEEN = "sample_score", "sample_classes"
KINDS = tuple(recognisability.CONFIDENCES)
TIES = 2  # images on which rounding may tip the judge
LEAST_ACCURACY = 0.9


def controls(material: Material) -> Iterator[Control]:
    """Yield scores of known probabilities; of a judge, its word on real images and on none."""
    yield from _of_known_probabilities()
    judge = material.judge
    if judge:
        for control in _of_judge(judge, material.test.first(DRAWS)):
            yield replace(control, case=f"judge: {control.case}", runs=(judge.run,))


def _of_known_probabilities() -> Iterator[Control]:
    labels = balanced(1000)
    sure = np.eye(CLASSES)[labels]
    unsure = np.full_like(sure, 1 / CLASSES)
    uneven = np.eye(CLASSES)[np.arange(1000) % 4 // 3]
    quarter = exp(float(entropy([0.75, 0.25])))
    confidences = recognisability.CONFIDENCES.values()
    cases: list[tuple[str, Array, dict[str, float]]] = [
        (
            "sure and right, each class as often",
            sure,
            dict.fromkeys(confidences, 1.0) | {SCORE: CLASSES, SEEN: CLASSES, ACCURACY: 1.0},
        ),
        (
            "the same probability for each class",
            unsure,
            dict.fromkeys(confidences, 1 / CLASSES) | {SCORE: 1.0, SEEN: 1.0},
        ),
        (
            "sure of class 0 three times and of class 1 once",
            uneven,
            {SCORE: quarter, SEEN: quarter},
        ),
    ]
    for case, given, expected in cases:
        run = KnownRun(judged=dict.fromkeys(KINDS, given))
        for name, value in expected.items():
            found = measured(recognisability.measure, run, labelled(labels), name)
            yield Control(name, f"probabilities: {case}", *exactly(value), found, "closed form")


@dataclass(frozen=True)
class Word:
    """What a judge says of images, as the measures have it.

    Attributes:
        taken_for: the most probable class of each image.
        classes: the number of classes that the judge knows.
    """

    confidence: float
    accuracy: float
    score: float
    seen: float
    taken_for: Array
    classes: int


def _word(judge: Judge, images: Array, test: TestSet) -> Word:
    given = probabilities(judge.classify, images).numpy()
    run = KnownRun(judged=dict.fromkeys(KINDS, given))
    return Word(
        confidence=measured(recognisability.measure, run, test, CONFIDENCE),
        accuracy=measured(recognisability.measure, run, test, ACCURACY),
        score=measured(recognisability.measure, run, test, SCORE),
        seen=measured(recognisability.measure, run, test, SEEN),
        taken_for=given.argmax(axis=1),
        classes=given.shape[1],
    )


def _of_judge(judge: Judge, test: TestSet) -> Iterator[Control]:
    """Yield what a judge says of the test images, of noise, and of images with permuted pixels."""
    real = _word(judge, test.images, test)
    yield from _real(judge, test, real)
    draws = random_generator(0, "controls judged noise")
    noise = torch.randint(256, test.images.shape, generator=draws).to(torch.uint8).numpy()
    word, case = _word(judge, noise, test), "uniform noise"
    expected = matches(word.taken_for, test.labels)
    why = "noise knows no labels: the matches of a random order (Hoeffding 1951)"
    yield Control(ACCURACY, case, *expected, word.accuracy, why)
    yield from _less_than(real, word, case)
    word, case = _word(judge, _scrambled(test.images), test), "real images, pixels permuted"
    chance = float(np.bincount(test.labels).max()) / len(test.labels)
    why = (
        "a requirement: of shapes it should see none, so at most half of what lies between the "
        "largest class's share and its accuracy on real images"
    )
    yield Control(ACCURACY, case, 0.0, (chance + real.accuracy) / 2, word.accuracy, why)
    yield from _less_than(real, word, case)


def _real(judge: Judge, test: TestSet, real: Word) -> Iterator[Control]:
    case, n = "real test images", len(test.labels)
    own = float((judge.classes[:n] == test.labels).mean())
    why = "its own test accuracy on these images; on two of them rounding may tip it"
    yield Control(ACCURACY, case, *exactly(own, (TIES + 0.5) / n), real.accuracy, why)
    why = "a requirement: who errs on more than one real image in ten cannot judge made ones"
    yield Control(ACCURACY, f"{case}, at least", LEAST_ACCURACY, 1.0, real.accuracy, why)
    why = (
        "exp of the entropy of the labels, which a share e of errors moves by "
        "e·log(K − 1) + h(e) at most (Audenaert 2007)"
    )
    expected = _classes_of(test.labels, 1 - own + TIES / n, real.classes)
    yield Control(SEEN, case, *expected, real.seen, why)


def _classes_of(labels: Array, errors: float, classes: int) -> Range:
    """Return the effective number of classes of predictions of which a share may be wrong."""
    share = min(max(errors, 0.0), 1 - 1 / classes)
    moved = share * log(max(classes - 1, 1)) + float(entropy([share, 1 - share]))
    expected = float(entropy(np.bincount(labels) / len(labels)))
    return exp(expected - moved), min(exp(expected + moved), float(classes))


def _less_than(real: Word, word: Word, case: str) -> Iterator[Control]:
    """Yield that the judge is less sure of images without a shape than of real ones."""
    for name, least, most, value in (
        (CONFIDENCE, 1 / word.classes, real.confidence, word.confidence),
        (SCORE, 1.0, real.score, word.score),
    ):
        why = "a requirement: less than on real images, which it reaches by no shape at all"
        yield Control(name, case, least, nextafter(most, 0), value, why)


def _scrambled(images: Array) -> Array:
    """Return images (n, c, h, w) with their pixels in another order, the same for all."""
    pixels = images.reshape(len(images), -1)
    scrambled: Array = permuted(pixels.T, "pixels").T.reshape(images.shape)
    return np.ascontiguousarray(scrambled)
