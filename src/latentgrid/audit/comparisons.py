"""The published numbers that a claim compares, pair by pair."""

import math
from collections.abc import Callable, Iterator

from latentgrid.studies.numbers import Number
from latentgrid.studies.schema import Comparison
from latentgrid.studies.study import Study

Pair = tuple[Number, Number]
Value = Callable[[Number], float]
FLOATING = 1e-6  # of floating point: a number of ten digits has 1e-6 of its last one


def pairs_of(study: Study, comparison: Comparison, value: Value) -> Iterator[Pair]:
    """Yield each number of a claim's side with the rival that it is compared with.

    The two agree in the settings in `alike` and are values of one quantity. Where several numbers
    of a side or of the rivals do, the best of them counts.

    Args:
        study: whose numbers these are.
        comparison: that the claim stands on.
        value: of a number, by which the best is found.
    """
    best = min if comparison.better == "smaller" else max
    sides, rivals = map(list, study.numbers_of(comparison))
    for key in dict.fromkeys(_key(study, comparison, one) for one in sides):
        side, rival = (
            [one for one in group if _key(study, comparison, one) == key]
            for group in (sides, rivals)
        )
        if rival:
            yield best(side, key=value), best(rival, key=value)


def as_printed(number: Number) -> float:
    """Return a number as it is."""
    return number.value


def bounds(comparison: Comparison, pair: Pair, value: Value) -> tuple[float, float]:
    """Return the least and the most that an effect can have been before its numbers were rounded.

    They are effects at the ends of the numbers' rounding intervals, each half a unit of the last
    digit wide to either side. A share of a rival that may have been 0 has no bound.

    Args:
        comparison: whose effect it is, in its unit.
        pair: the side and its rival.
        value: of a number.
    """
    sides, rivals = ([value(one) - half, value(one) + half] for one, half in _halves(pair))
    effects = [_gained(comparison, side, rival) for side in sides for rival in rivals]
    if comparison.as_share and rivals[0] <= 0 <= rivals[1]:
        effects += [math.copysign(math.inf, effect) for effect in effects]
    return min(effects), max(effects)


def _gained(comparison: Comparison, side: float, rival: float) -> float:
    """Return the effect of a comparison, in its unit; positive where the side is better."""
    ahead = rival - side if comparison.better == "smaller" else side - rival
    return 100 * ahead / abs(rival) if comparison.as_share else ahead


def _halves(pair: Pair) -> Iterator[tuple[Number, float]]:
    """Yield each number with half a unit of its last digit; intervals that touch do not overlap."""
    for number in pair:
        yield number, number.resolution / 2 * (1 - FLOATING)


def _key(study: Study, comparison: Comparison, number: Number) -> tuple[object, ...]:
    """Return what two compared numbers have alike."""
    had = {"model": number.ours, **number.settings}
    return number.quantity, *(had.get(axis) for axis in comparison.alike)
