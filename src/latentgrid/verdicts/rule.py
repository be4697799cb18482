"""The rules that decide on published numbers and claims. No other module has such a rule.

The tolerances are in `reference/facts.py`, one per quantity and never one per row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from latentgrid.evaluation.intervals import MIN_VALUES, Interval, of_mean, of_next
from latentgrid.reference.facts import QUANTITIES


class Verdict(StrEnum):
    """The verdicts on a published number."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    NO_REFERENCE_RUN = "no reference run"
    UNDER_SPECIFIED = "under-specified"
    NOT_RUN = "not run"


class Answer(StrEnum):
    """The answers to a published claim."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    UNDECIDED = "undecided"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Effect:
    """How strongly a claim holds.

    Attributes:
        values: one per seed, positive where the claim holds.
        unit: of the values.
    """

    values: Sequence[float]
    unit: str

    @property
    def mean(self) -> float:
        """The mean over the seeds."""
        return float(np.mean(self.values))

    @property
    def interval(self) -> Interval | None:
        """The 95 % interval of the mean; None for fewer than three seeds."""
        return of_mean(self.values)


def tolerance(quantity: str, published: float) -> float:
    """Return how far from a published number the mean of our runs may lie, in its unit.

    Raises:
        KeyError: no tolerance was fixed for this quantity.
    """
    return QUANTITIES[quantity].tolerance(published)


def decide(quantity: str, published: float, ours: Sequence[float]) -> Verdict:
    """Decide whether our runs of its setting, one per seed, reproduce a published number.

    They do if the number lies within the tolerance of their mean or, from three seeds on, within
    the interval in which the value of one more seed is expected (95 %).
    """
    near = abs(float(np.mean(ours)) - published) <= tolerance(quantity, published)
    expected = of_next(ours)
    inside = expected is not None and published in expected
    return Verdict.REPRODUCED if near or inside else Verdict.NOT_REPRODUCED


def answer(effect: Effect, least: float = 0.0) -> Answer:
    """Decide whether an effect is larger than `least`, as the claim says.

    From three seeds on, the interval decides: supported if all of it is larger, contradicted if
    none of it is, else undecided. With fewer seeds the mean alone decides, which is only a hint.
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
