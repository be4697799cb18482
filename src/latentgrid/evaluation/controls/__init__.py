"""Controls: measures of cases whose value is known before anything is measured.

One file a measure, or a group of them, with `controls(material)`, which yields a `Control` for each
case; a plugin's measure has that function in its own file. `table` has them all. A range comes from
a formula, or it is a bound or a requirement that the control states; none is fitted to what came
out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from latentgrid.files.run_files import RunFiles
from latentgrid.randomness import random_generator
from latentgrid.results.run_json import FINISHED, Config, Outcome
from latentgrid.results.trained import Array, TestSet, TrainedRun

Measure = Callable[[TrainedRun, TestSet], dict[str, Any]]
Range = tuple[float, float]

CLASSES = 10
# A range is so many standard deviations wide on each side: of a normal value, one in a million lies
# outside.
SPREAD = 5.0
ALARMS = 1e-6  # the same probability, for bounds that are stated by it
PERMUTATIONS = 100
ROUNDING = 1e-5  # what sums in single precision may be off by, relative to 1
EPOCH = 1
NOWHERE = RunFiles(Path("controls"), Path("controls"))


@dataclass(frozen=True)
class Control:
    """A measure of a case whose value is known.

    Attributes:
        measure: the column of `runs.csv`, or the function, that is controlled.
        case: what was measured.
        low, high: the range in which the value must lie, ends included.
        value: what came out; nan if nothing did.
        why: how the range is known.
        runs: the names of the runs that had a part in it, such as the judge.
    """

    measure: str
    case: str
    low: float
    high: float
    value: float
    why: str
    runs: tuple[str, ...] = ()

    @property
    def inside(self) -> bool:
        """Whether the value lies in its range; nan lies in none."""
        return self.low <= self.value <= self.high


@dataclass(frozen=True)
class Judge:
    """The classifier that judges in this grid.

    Attributes:
        run: the name of its run.
        classify: its function from images to log-probabilities.
        classes: the classes that its own training left for the test images, (n,).
    """

    run: str
    classify: Callable[[Tensor], Tensor]
    classes: Array


@dataclass(frozen=True)
class Material:
    """What controls are made of besides what they make up.

    Attributes:
        test: test images with their labels.
        training: training images, uint8 (n, c, h, w).
        judge: None if the grid has none, or if it diverged.
    """

    test: TestSet
    training: Array
    judge: Judge | None


class KnownRun(TrainedRun):
    """A finished run of one epoch that lies in no folder: it has what it is given."""

    def __init__(
        self,
        model: str = "vae",
        snapshots: Mapping[str, Array] | None = None,
        history: pd.DataFrame | None = None,
        judged: Mapping[str, Array] | None = None,
        likelihood: Mapping[str, float] | None = None,
    ) -> None:
        """Keep what a run would read from its files.

        Args:
            model: the name of its model.
            snapshots: of its last epoch, by their names (`training.snapshots`).
            history: a row for each epoch.
            judged: the judge's probabilities (n, classes) for each kind of its images.
            likelihood: its bounds by their names.
        """
        super().__init__(NOWHERE)
        self.outcome = Outcome(FINISHED, "", EPOCH, {})
        settings = {"model": model, "seed": 0, "hyperparameters": {}}
        self.config = Config(settings, (1, 1, 1), CLASSES, 0, model, {}, "", "", "", "", {}, "cpu")
        self.snapshots = {f"{EPOCH}/{name}": kept for name, kept in (snapshots or {}).items()}
        self.history = pd.DataFrame() if history is None else history
        self.given_scores, self.given_bounds = dict(judged or {}), dict(likelihood or {})

    @property
    def judged(self) -> dict[str, Array]:
        """The judge's probabilities that were given."""
        return self.given_scores

    @property
    def likelihood(self) -> dict[str, float]:
        """The bounds that were given."""
        return self.given_bounds


def exactly(expected: float, within: float = ROUNDING) -> Range:
    """Return the range of a value that is known but for rounding."""
    return expected - within, expected + within


def around(expected: float, deviation: float) -> Range:
    """Return the range of a value that varies with this standard deviation."""
    return expected - SPREAD * deviation, expected + SPREAD * deviation


def measured(measure: Measure, run: TrainedRun, test: TestSet, name: str) -> float:
    """Return one number of a measure; nan if it does not give it."""
    return float(measure(run, test).get(name, nan))


def balanced(n: int) -> Array:
    """Return n labels that count through the classes, uint8."""
    return (np.arange(n) % CLASSES).astype(np.uint8)


def labelled(labels: Array) -> TestSet:
    """Return a test set with these labels whose images are black points."""
    return TestSet(np.zeros((len(labels), 1, 1, 1), np.uint8), labels)


def permuted(values: Array, purpose: str) -> Array:
    """Return values (n, …) in a random order that depends on the purpose alone."""
    order = torch.randperm(len(values), generator=random_generator(0, f"controls {purpose}"))
    shuffled: Array = values[order.numpy()]
    return shuffled


def over_permutations(statistic: Callable[[Array], float], labels: Array, purpose: str) -> Range:
    """Return the range of a statistic of labels (n,) in random order, from `PERMUTATIONS` orders.

    The statistic must be computed by other code than the measure that it controls.
    """
    values = [statistic(permuted(labels, f"{purpose} {i}")) for i in range(PERMUTATIONS)]
    return around(float(np.mean(values)), float(np.std(values, ddof=1)))


def matches(predicted: Array, labels: Array) -> Range:
    """Return the range of the share of predictions (n,) that meet labels (n,) in random order.

    With a_c predictions and b_c labels of class c, the number of matches has the mean
    Σ a_c·b_c / n and the variance Σ a_c·b_e·(δ_ce − b_c/n − a_e/n + Σ a·b/n²)² / (n − 1)
    (Hoeffding 1951, "A combinatorial central limit theorem", theorem 2).
    """
    n = len(labels)
    classes = max(int(predicted.max()), int(labels.max())) + 1
    a, b = (np.bincount(x, minlength=classes).astype(float) for x in (predicted, labels))
    mean = float(a @ b) / n
    centred = np.eye(classes) - b[:, None] / n - a[None, :] / n + mean / n
    variance = float((np.outer(a, b) * centred**2).sum()) / (n - 1)
    return around(mean / n, variance**0.5 / n)
