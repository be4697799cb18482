"""The last digits of a study's numbers are not evenly spread.

The last of four or more significant digits of a measurement is each of 0 to 9 about equally often;
numbers that people make up are not (Mosimann, Wiseman and Edelman, Accountability in Research 4
(1995) 31). Some tables drop zeros at the end, and whether one does is seen from its last digits
alone; so only the digits 1 to 9 are looked at, which are equally often in all tables. Pearson's χ²
with 8 degrees of freedom, at `LEAST_CHANCE`, over all of a study's numbers that have as many
digits and end in one of these, if there are `LEAST_NUMBERS`, so that each digit is expected five
times (Cochran, Annals of Mathematical Statistics 23 (1952) 315). Means of cases are left out, as
their steps of 1 / n make some last digits more frequent than others.
"""

from collections import Counter
from collections.abc import Iterator

from scipy.special import chdtrc

from latentgrid.audit.cells import significant_digits
from latentgrid.audit.finding import Finding, Place
from latentgrid.studies.numbers import Number
from latentgrid.studies.study import Study

TITLE = "Last digits"
DIGITS = 4
ENDS = "123456789"
LEAST_NUMBERS = 5 * len(ENDS)
LEAST_CHANCE = 0.001


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding if the last digits of the study's numbers are not evenly spread."""
    numbers = looked_at(study)
    if not numbers:
        return
    counts = Counter(last_digit(number.printed) for number in numbers)
    if (likely := chance(counts)) < LEAST_CHANCE:
        common, times = counts.most_common(1)[0]
        yield Finding(
            "last_digits",
            Place.of(study, numbers[0]),
            f"the last digits of {len(numbers)} numbers are unevenly spread: {times} are "
            f"{common}; chance of that: {likely:.1g}",
        )


def looked_at(study: Study) -> list[Number]:
    """Return the numbers whose last digits count; none if there are too few."""
    numbers = [number for number in study.numbers if _counts(study, number)]
    return numbers if len(numbers) >= LEAST_NUMBERS else []


def _counts(study: Study, number: Number) -> bool:
    """Tell whether the last digit of a number is as often each of `ENDS`."""
    return (
        significant_digits(number.printed) >= DIGITS
        and last_digit(number.printed) in ENDS
        and study.quantity(number).mean_of is None
    )


def last_digit(printed: str) -> str:
    """Return the last digit of a number, before its exponent."""
    return printed.lower().partition("e")[0][-1]


def chance(counts: Counter[str]) -> float:
    """Return the chance of last digits as unevenly spread over `ENDS`: the tail of χ²."""
    expected = counts.total() / len(ENDS)
    x = sum((counts[digit] - expected) ** 2 / expected for digit in ENDS)
    return float(chdtrc(len(ENDS) - 1, x))
