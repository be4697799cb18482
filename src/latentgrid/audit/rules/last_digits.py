"""The last digits of a study's numbers are not evenly spread.

The last of four or more significant digits of a measurement is each of 0 to 9 about equally often;
numbers that people make up are not (Mosimann, Wiseman and Edelman, Accountability in Research 4
(1995) 31). Pearson's χ² with 9 degrees of freedom, at `LEAST_CHANCE`, over all of a study's
numbers with as many digits, if there are `LEAST_NUMBERS`, so that each digit is expected five
times (Cochran, Annals of Mathematical Statistics 23 (1952) 315). Numbers of tables that drop zeros
at the end are left out, as their last digit is never 0.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from latentgrid.audit.cells import significant_digits
from latentgrid.audit.finding import Finding, Place
from latentgrid.studies.numbers import Number
from latentgrid.studies.study import Study

TITLE = "Last digits"
DIGITS = 4
LEAST_NUMBERS = 50
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
    numbers = [
        number
        for table in study.facts.tables
        for number in _with_zeros([one for one in study.numbers if one.table == table])
    ]
    return numbers if len(numbers) >= LEAST_NUMBERS else []


def _with_zeros(numbers: Sequence[Number]) -> list[Number]:
    """Return the numbers of a table with enough digits; none if it drops zeros at the end."""
    enough = [number for number in numbers if significant_digits(number.printed) >= DIGITS]
    return enough if any(last_digit(number.printed) == "0" for number in enough) else []


def last_digit(printed: str) -> str:
    """Return the last digit of a number, before its exponent."""
    return printed.lower().partition("e")[0][-1]


def chance(counts: Counter[str]) -> float:
    """Return the chance of last digits as unevenly spread: the tail of χ² with 9 degrees."""
    expected = counts.total() / 10
    x = sum((counts[str(digit)] - expected) ** 2 / expected for digit in range(10))
    # Abramowitz and Stegun, 26.4.4: the tail for an odd number of degrees of freedom.
    series = 1 + x / 3 + x**2 / 15 + x**3 / 105
    return math.erfc(math.sqrt(x / 2)) + math.sqrt(2 * x / math.pi) * math.exp(-x / 2) * series
