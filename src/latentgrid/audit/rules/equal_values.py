"""Two values are the same to the last printed digit, where chance would hardly make them so.

Pairs of values of one quantity are of two kinds: at the same setting, in two tables or of two
models, where a copied cell is most easily overlooked; and at different settings. For each kind,
the model of chance is that close differences are evenly spread: if `m` pairs differ by 1 to `D`
units of their last digit, where `D` is the lower quartile of all differences that are not 0, about
m / (2·D) pairs differ by 0. As m is itself a draw, the chance of k equal pairs or more is a
negative binomial tail (a Poisson number whose rate has the posterior of a flat prior, Gelman et
al., Bayesian Data Analysis, 2013, section 2.6). The rule fires below `LEAST_CHANCE`. A mean of n
cases moves by steps of 1 / n, which count for units where these are larger. Values with fewer than
`DIGITS` significant digits are left alone: many pairs of them agree by chance, and how many hangs
on how the values crowd. Looking for duplicates is the oldest check of printed tables: Simonsohn,
Psychological Science 24 (2013) 1875; `duplicate_count` of the R package scrutiny.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

from scipy.special import betainc

from latentgrid.audit.cells import by_quantity, setting_of, significant_digits, whole
from latentgrid.audit.finding import Finding, Place, named
from latentgrid.studies.numbers import Number
from latentgrid.studies.schema import Quantity
from latentgrid.studies.study import Study

TITLE = "Equal values"
LEAST_CHANCE = 0.001
DIGITS = 4

Pair = tuple[Number, Number]


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each pair of equal values that chance hardly explains."""
    for name, numbers in by_quantity(study).items():
        step = _step(study.facts.quantities[name])
        alike: list[Pair] = []
        others: list[Pair] = []
        fine = [number for number in numbers if significant_digits(number.printed) >= DIGITS]
        for first, second in combinations(fine, 2):
            same = setting_of(study, first) == setting_of(study, second)
            (alike if same else others).append((first, second))
        yield from _equal(study, alike, alike + others, step, "of the same setting")
        yield from _equal(study, others, others, step, "of different settings")


def _equal(
    study: Study, pairs: Sequence[Pair], near: Sequence[Pair], step: float, which: str
) -> Iterator[Finding]:
    """Yield the equal ones among some pairs; `near` serves where all of these are equal."""
    differences = [difference(*pair, step) for pair in pairs]
    equal = [pair for pair, units in zip(pairs, differences, strict=True) if units == 0]
    if not any(differences):
        expected = [difference(*pair, step) for pair in near]
        differences = [units for units in expected if units] if equal else []
    likely = chance(len(equal), differences, len(pairs))
    if likely >= LEAST_CHANCE:
        return
    for first, second in equal:
        yield Finding(
            "equal_values",
            Place.of(study, second),
            f"{second.printed} stands in table {first.table} {_spelled(first, second)}, at "
            f"{named(first)}; {len(equal)} of {len(pairs)} pairs {which} are equal to the last "
            f"digit, and the chance of that is {likely:.1g}",
        )


def _spelled(first: Number, second: Number) -> str:
    """Say how the first of two equal numbers is printed, which may have fewer digits or more."""
    return "too" if first.value == second.value else f"as {first.printed}"


def _step(quantity: Quantity) -> float:
    """Return the step between two means of cases, in their unit; 0 for other quantities."""
    return whole(quantity) / quantity.mean_of if quantity.mean_of else 0.0


def difference(first: Number, second: Number, step: float) -> int:
    """Return how many units of the coarser last digit, or steps, two values are apart."""
    unit = max(first.resolution, second.resolution, step)
    return round(abs(first.value - second.value) / unit)


def chance(equal: int, differences: Sequence[int], pairs: int) -> float:
    """Return the chance of so many equal pairs or more; 1 if nothing tells how close pairs lie.

    Args:
        equal: how many of the pairs are equal.
        differences: of pairs, in units of the last digit; those of 0 count for nothing.
        pairs: how many pairs were looked at.
    """
    unequal = sorted(units for units in differences if units)
    if not equal or not unequal:
        return 1.0
    width = unequal[(len(unequal) - 1) // 4]
    close = sum(units <= width for units in unequal) * pairs / len(differences)
    rate = 1 / (2 * width + 1)
    # Abramowitz and Stegun, 26.5.26: the negative binomial tail is an incomplete beta function.
    return float(betainc(equal, round(close) + 1, rate))
