"""Controls of a classifier's accuracy."""

from collections.abc import Iterator

from latentgrid.evaluation.controls import (
    CLASSES,
    Control,
    KnownRun,
    Material,
    balanced,
    exactly,
    labelled,
    matches,
    measured,
    permuted,
)
from latentgrid.evaluation.measures import accuracy

NAME = "test_accuracy"
IMAGES = 1000


def controls(material: Material) -> Iterator[Control]:
    """Yield classifiers that are always right, always wrong, and guess."""
    labels = balanced(IMAGES)
    guesses = permuted(labels, NAME)
    cases = {
        "every class is the label": (labels, exactly(1), "by definition"),
        "every class is the next one": ((labels + 1) % CLASSES, exactly(0), "by definition"),
        "the labels in random order": (
            guesses,
            matches(guesses, labels),
            "the mean and deviation of the matches of a random order (Hoeffding 1951)",
        ),
    }
    for case, (classes, expected, why) in cases.items():
        run = KnownRun("lenet5", {"classes": classes})
        value = measured(accuracy.measure, run, labelled(labels), NAME)
        yield Control(NAME, case, *expected, value, why)
