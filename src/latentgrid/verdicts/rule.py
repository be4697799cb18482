"""The rules that decide, for a published number and for a claim. They stand here and nowhere else.

What counts as near stands in `reference/facts.py`, per quantity and never per row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from latentgrid.evaluation.intervals import MIN_VALUES, Interval, of_mean, of_next
from latentgrid.reference.facts import QUANTITIES


class Verdict(StrEnum):
    """What is said of a published number."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    NO_REFERENCE_RUN = "no reference run"
    UNDER_SPECIFIED = "under-specified"
    NOT_RUN = "not run"


class Answer(StrEnum):
    """What is said of a published claim."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    UNDECIDED = "undecided"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Effect:
    """How far a claim holds.

    Attributes:
        values: one a seed, positive where the claim holds.
        unit: of the values.
    """

    values: Sequence[float]
    unit: str

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return float(np.mean(self.values))

    @property
    def interval(self) -> Interval | None:
        """Of the mean; None for fewer than three seeds."""
        return of_mean(self.values)


def tolerance(quantity: str, published: float) -> float:
    """Return how far from a published number the mean of our runs may lie, in its unit.

    Raises:
        KeyError: no tolerance was fixed for this quantity.
    """
    return QUANTITIES[quantity].tolerance(published)


def decide(quantity: str, published: float, ours: Sequence[float]) -> Verdict:
    """Say whether a published number is what our runs of its setting, one a seed, lead to.

    It is reproduced if it lies within the tolerance of their mean, or, from three seeds on, where
    one more seed's value would be expected (95 %).
    """
    near = abs(float(np.mean(ours)) - published) <= tolerance(quantity, published)
    expected = of_next(ours)
    inside = expected is not None and published in expected
    return Verdict.REPRODUCED if near or inside else Verdict.NOT_REPRODUCED


def answer(effect: Effect, least: float = 0.0) -> Answer:
    """Say whether an effect is larger than `least`, as a claim says that it is.

    From three seeds on, by its interval: supported if all of it is, contradicted if none of it is,
    else undecided. From fewer seeds by its mean alone, which is no more than a hint.
    """
    interval = effect.interval or Interval(effect.mean, effect.mean)
    if interval.low > least:
        return Answer.SUPPORTED
    if interval.high <= least:
        return Answer.CONTRADICTED
    return Answer.UNDECIDED


def is_hint(n: int) -> bool:
    """Tell whether n seeds are too few for an interval."""
    return n < MIN_VALUES
