"""A printed number is not what it follows from.

The study's file says what a number must equal: a sum, a mean, a ratio, a count. The printed one
may differ by its rounding, up to one unit of its last digit, as some round and some cut digits
off. This is arithmetic.
"""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from latentgrid.audit.finding import Finding, Place
from latentgrid.studies.expressions import evaluate
from latentgrid.studies.reading import line_of
from latentgrid.studies.study import Study
from latentgrid.text import number as in_words

TITLE = "Arithmetic"


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each number that does not equal what it must."""
    path = study.folder / "study.yaml"
    for position, calculation in enumerate(study.facts.calculations):
        right = evaluate(calculation.equals, {})
        if agrees(calculation.printed, right):
            continue
        yield Finding(
            "calculations",
            Place(path, line_of(path, ("calculations", position)), calculation.place),
            f"{calculation.says}: printed {calculation.printed}, but "
            f"{_calculated(calculation.equals, right)}",
        )


def _calculated(expression: str | float, right: float) -> str:
    """Return "2 + 3 is 5", and "it is 5" where nothing is to be calculated."""
    said = in_words(right)
    return f"it is {said}" if _is_number(expression) else f"{expression} is {said}"


def _is_number(expression: str | float) -> bool:
    try:
        float(expression)
    except ValueError:
        return False
    return True


def agrees(printed: str, right: float) -> bool:
    """Tell whether a printed number, with its digits, is a value, rounded or cut off.

    A text never is.
    """
    try:
        number = Decimal(printed)
        unit = Decimal(1).scaleb(int(number.as_tuple().exponent))
    except (InvalidOperation, TypeError, ValueError):
        return False
    allowed = float(unit) * (1 - 1e-9)
    return abs(float(number) - right) < allowed or float(number) == right
