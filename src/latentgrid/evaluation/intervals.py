"""95 % intervals from three or more seeds; fewer seeds give none."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

Numbers = Any  # a number, or an array or a table of them

LEVEL = 0.95
MIN_VALUES = 3
MIN_PAIRS = 4
ROUNDING = 1e-12  # below the distance from 1 of any other correlation of up to 20,000 ranks


@dataclass(frozen=True)
class Interval:
    """The values from `low` to `high`."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        """Tell whether a value lies between the two, or is one of them."""
        return self.low <= value <= self.high


def of_mean(values: Sequence[float]) -> Interval | None:
    """Return the interval of the mean of n seeds' values, mean ± `half_width`; None for n < 3."""
    return _around_mean(values, 1.0)


def of_next(values: Sequence[float]) -> Interval | None:
    """Return the interval in which the value of one more seed is expected; None for n < 3.

    mean ± t·s·√(1 + 1/n), given the values of n seeds. A published number comes from a single run
    and must be compared with this interval. The interval of the mean shrinks with n until it
    excludes most single runs, even our own.
    """
    return _around_mean(values, (len(values) + 1) ** 0.5)


def half_width(deviation: Numbers, n: Numbers) -> Numbers:
    """Return half the width of Student's interval of the mean of n values; missing for n < 3.

    t·s/√n with n − 1 degrees of freedom. With three to ten seeds, a bootstrap, which draws from
    these few values alone, covers the mean too rarely. Student's interval assumes that values are
    roughly normal, and means over thousands of images are.
    """
    enough = np.where(np.asarray(n) >= MIN_VALUES, n, np.nan)
    widths: Numbers = stats.t.ppf((1 + LEVEL) / 2, enough - 1) * deviation / enough**0.5
    return widths


def _around_mean(values: Sequence[float], wider: float) -> Interval | None:
    if len(values) < MIN_VALUES:
        return None
    mean, deviation = np.mean(values), np.std(values, ddof=1)
    half = wider * half_width(deviation, len(values))
    return Interval(float(mean - half), float(mean + half))


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> tuple[float, Interval]:
    """Return Spearman's ρ of four pairs or more, in [−1, 1], and its interval.

    Fisher's interval, tanh(artanh ρ ± z·√((1 + ρ²/2)/(n − 3))), with the variance that ranks need
    (Bonett and Wright 2000, "Sample size requirements for estimating Pearson, Kendall and Spearman
    correlations"). It assumes that the pairs, the settings of a grid, are a sample of many more
    such settings. The ends are NaN for ρ = ±1, as many more settings would hardly all be in the
    same order and Fisher's interval has no width there, and where ρ is NaN, as all values of one
    side are equal.
    """
    rho = float(stats.spearmanr(first, second).statistic)
    if not abs(rho) < 1 - ROUNDING:
        return rho, Interval(np.nan, np.nan)
    half = stats.norm.ppf((1 + LEVEL) / 2) * np.sqrt((1 + rho**2 / 2) / (len(first) - 3))
    centre = np.arctanh(rho)
    return rho, Interval(float(np.tanh(centre - half)), float(np.tanh(centre + half)))
