"""What a few seeds tell: 95 % intervals, and none from fewer than three."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

LEVEL = 0.95
FEWEST = 3
FEWEST_PAIRS = 4


@dataclass(frozen=True)
class Interval:
    """The values from `low` to `high`."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        """Tell whether a value lies between the two, or is one of them."""
        return self.low <= value <= self.high


def of_mean(values: Sequence[float]) -> Interval | None:
    """Return Student's interval of the mean of what n seeds gave; None for fewer than three.

    mean ± t·s/√n with n − 1 degrees of freedom. With three to ten seeds a bootstrap, which draws
    from those few values alone, covers the mean too rarely; Student's interval supposes values
    that are about normal, which sums over thousands of images are.
    """
    return _students(values, 1 / len(values)) if len(values) >= FEWEST else None


def of_next(values: Sequence[float]) -> Interval | None:
    """Return where the value of one more seed lies, given those of n; None for fewer than three.

    mean ± t·s·√(1 + 1/n). A published figure is that of a single run, so this is what it must be
    compared with: the interval of the mean shrinks with n until it excludes most single runs, ours
    too.
    """
    return _students(values, 1 + 1 / len(values)) if len(values) >= FEWEST else None


def _students(values: Sequence[float], share: float) -> Interval:
    mean, deviation = float(np.mean(values)), float(np.std(values, ddof=1))
    half = float(stats.t.ppf((1 + LEVEL) / 2, len(values) - 1)) * deviation * share**0.5
    return Interval(mean - half, mean + half)


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> tuple[float, Interval]:
    """Return Spearman's ρ of four pairs or more, in [−1, 1], and its interval.

    Fisher's interval of a correlation, here of the ranks. It supposes that the pairs, the settings
    of a grid, stand for many more such settings.
    """
    found = stats.pearsonr(stats.rankdata(first), stats.rankdata(second))
    interval = found.confidence_interval(LEVEL)
    return float(found.statistic), Interval(float(interval.low), float(interval.high))
