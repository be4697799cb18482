"""A number is printed with other digits than the rest of its table.

A table that a program prints has one format: the same number of significant digits, or of
decimals, or one of these with zeros at the end dropped. A number that fits neither what most
numbers of its table and quantity have was retyped, rounded by hand or comes from elsewhere. Where
a table never prints a zero at its end, zeros may have been dropped: numbers with fewer digits do
not count, and those with more only where chance, which ends one number in ten in a zero, would have
shortened so many others with less than `LEAST_CHANCE`. It is no more than a hint.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from scipy.special import bdtrc

from latentgrid.audit.cells import by_quantity, decimals, significant_digits
from latentgrid.audit.finding import Finding, Place
from latentgrid.studies.numbers import Number
from latentgrid.studies.study import Study

TITLE = "Mixed digits"
LEAST_CHANCE = 0.001


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each number with other digits than its table."""
    for of_quantity in by_quantity(study).values():
        for table in study.facts.tables:
            numbers = [number for number in of_quantity if number.table == table]
            kinds = ((significant_digits, "significant digits"), (decimals, "decimals"))
            odd = [(_odd(numbers, count), count, called) for count, called in kinds]
            strange, count, called = min(odd, key=lambda one: len(one[0]))
            usual, times = _usual(Counter(count(number.printed) for number in numbers))
            for number in strange:
                yield Finding(
                    "mixed_digits",
                    Place.of(study, number),
                    f"{number.printed} has {count(number.printed)} {called}, where "
                    f"{times} of the table's {len(numbers)} numbers have {usual}",
                )


def _odd(numbers: Sequence[Number], count: Callable[[str], int]) -> list[Number]:
    """Return the numbers with other digits than most."""
    digits = Counter(count(number.printed) for number in numbers)
    usual, _ = _usual(digits)
    if any(_ends_in_zero(number.printed) for number in numbers):
        return [number for number in numbers if count(number.printed) != usual]
    if _chance_of_zeros(digits) >= LEAST_CHANCE:
        return []
    return [number for number in numbers if count(number.printed) > usual]


def _usual(digits: Counter[int]) -> tuple[int, int]:
    """Return how many digits most numbers have, the larger of two as frequent, and how many do."""
    usual = max(digits, key=lambda one: (digits[one], one), default=0)
    return usual, digits[usual]


def _chance_of_zeros(digits: Counter[int]) -> float:
    """Return the chance that so many numbers, or more, end in zeros and have fewer digits then."""
    fewer = digits.total() - digits[max(digits, default=0)]
    return float(bdtrc(fewer - 1, digits.total(), 0.1))


def _ends_in_zero(printed: str) -> bool:
    """Tell whether a zero behind the point is printed at the end of a number."""
    mantissa = printed.lower().partition("e")[0]
    return "." in mantissa and mantissa.endswith("0")
