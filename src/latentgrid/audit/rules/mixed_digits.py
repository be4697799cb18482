"""A number is printed with other digits than the rest of its table.

A table that a program prints has one format: the same number of significant digits, or of
decimals, or one of these with zeros at the end dropped. A number that fits neither what most
numbers of its table and quantity have was retyped, rounded by hand or comes from elsewhere.
Numbers with fewer digits do not count where the table never prints a zero at its end, as these may
have been dropped. It is no more than a hint, and never fires on a table of one format.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from latentgrid.audit.cells import by_quantity, decimals, significant_digits
from latentgrid.audit.finding import Finding, Place
from latentgrid.studies.numbers import Number
from latentgrid.studies.study import Study

TITLE = "Mixed digits"


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each number with other digits than its table."""
    for of_quantity in by_quantity(study).values():
        for table in study.facts.tables:
            numbers = [number for number in of_quantity if number.table == table]
            kinds = ((significant_digits, "significant digits"), (decimals, "decimals"))
            odd = [(_odd(numbers, count), count, called) for count, called in kinds]
            strange, count, called = min(odd, key=lambda one: len(one[0]))
            usual = Counter(count(number.printed) for number in numbers).most_common(1)
            for number in strange:
                yield Finding(
                    "mixed_digits",
                    Place.of(study, number),
                    f"{number.printed} has {count(number.printed)} {called}, where "
                    f"{usual[0][1]} of the table's {len(numbers)} numbers have {usual[0][0]}",
                )


def _odd(numbers: Sequence[Number], count: Callable[[str], int]) -> list[Number]:
    """Return the numbers with other digits than most."""
    digits = Counter(count(number.printed) for number in numbers)
    usual = max(digits, key=lambda one: (digits[one], one), default=0)
    keeps_zeros = any(_ends_in_zero(number.printed) for number in numbers)
    return [
        number
        for number in numbers
        if count(number.printed) > usual or (keeps_zeros and count(number.printed) < usual)
    ]


def _ends_in_zero(printed: str) -> bool:
    """Tell whether a zero behind the point is printed at the end of a number."""
    mantissa = printed.lower().partition("e")[0]
    return "." in mantissa and mantissa.endswith("0")
