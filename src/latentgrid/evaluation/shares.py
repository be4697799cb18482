"""The interval of a share of images."""

from scipy import stats

from latentgrid.evaluation.intervals import LEVEL, Interval


def of_share(share: float, n: int) -> Interval:
    """Return the 95 % interval of a probability of which n images show the share, in [0, 1].

    Wilson's (1927), "Probable inference, the law of succession, and statistical inference": it
    holds for shares near 0 too, where share ± 2 standard errors would leave [0, 1].
    """
    z = stats.norm.ppf((1 + LEVEL) / 2)
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5
    return Interval(float(centre - half), float(centre + half))
