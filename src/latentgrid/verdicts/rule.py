"""The rules that decide on published numbers and claims. No other module has such a rule.

The tolerances are in the studies' study.yaml, one per quantity and never one per row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from latentgrid.evaluation.intervals import MIN_VALUES, Interval, of_mean, of_next
from latentgrid.studies.schema import Open, Quantity


class Verdict(StrEnum):
    """The verdicts on a published number."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    NO_REFERENCE_RUN = Open.NO_REFERENCE_RUN.value
    UNDER_SPECIFIED = Open.UNDER_SPECIFIED.value
    OUT_OF_REACH = "out of reach"
    NOT_RUN = "not run"


class Answer(StrEnum):
    """The answers to a published claim."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    UNDECIDED = "undecided"
    NOT_RUN = "not run"
    OUT_OF_REACH = "out of reach"


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


@dataclass(frozen=True)
class Share(Effect):
    """By how many per cent of its rival's value a side is better.

    The mean of ratios depends on which side is divided by the other, so that it can speak against a
    claim and its opposite alike. That of their logarithms only changes its sign.

    Attributes:
        values: one per seed, sign · log(side ÷ rival), positive where the claim holds.
        unit: of the mean and the interval, which are in per cent.
        sign: 1 where larger values are better, −1 where smaller ones are.
    """

    sign: int

    @property
    def mean(self) -> float:
        """The geometric mean of the ratios, in per cent of the rival's value."""
        return self._in_per_cent(super().mean)

    @property
    def interval(self) -> Interval | None:
        """The 95 % interval of the logarithms' mean, in per cent; None for n < 3."""
        found = super().interval
        return found and Interval(self._in_per_cent(found.low), self._in_per_cent(found.high))

    def _in_per_cent(self, gained: float) -> float:
        return self.sign * 100 * float(np.expm1(self.sign * gained))


def decide(quantity: Quantity, published: float, ours: Sequence[float]) -> Verdict:
    """Decide whether our runs of its setting, one per seed, reproduce a published number.

    They do if the number lies within the tolerance of their mean or, from three seeds on, within
    the interval in which the value of one more seed is expected (95 %).
    """
    away = abs(float(np.mean(ours)) - published)
    return (
        Verdict.REPRODUCED if away <= reach(quantity, published, ours) else Verdict.NOT_REPRODUCED
    )


def reach(quantity: Quantity, published: float, ours: Sequence[float]) -> float:
    """Return the smallest deviation that would have been *not reproduced*, in the number's unit.

    It is the tolerance or, from three seeds on, half the width of the interval in which the value
    of one more seed is expected, if that is wider. What is wrong by less cannot be seen with these
    seeds.
    """
    expected = of_next(ours)
    half = (expected.high - expected.low) / 2 if expected else 0.0
    return max(quantity.tolerance(published), half)


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
