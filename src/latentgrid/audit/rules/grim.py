"""A printed mean is not the mean of whole numbers of cases (GRIM).

The mean of n cases that are each 0 or 1 is k / n for a whole k, so that not every rounded number
can be one: of 25 images, 0.84 is, 0.85 is not (Brown and Heathers, Social Psychological and
Personality Science 8 (2017) 363). It applies to quantities with `mean_of`, where n times a unit of
the last digit is below 1; with more cases every number is possible. Shares in per cent are divided
by 100. A number that is k / n when digits are cut off instead of rounded is let pass. This is
arithmetic.
"""

import math
from collections.abc import Iterator

from latentgrid.audit.cells import whole
from latentgrid.audit.finding import Finding, Place
from latentgrid.studies.numbers import Number
from latentgrid.studies.study import Study

TITLE = "Means that cannot be"
SLACK = 1e-9  # of floating point, as a share of a unit of the last digit


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each mean that no number of cases has."""
    for number in study.numbers:
        quantity = study.quantity(number)
        if quantity.mean_of is None:
            continue
        if not possible(number, quantity.mean_of, whole(quantity)):
            yield Finding(
                "grim",
                Place.of(study, number),
                f"{number.printed} is the mean of no {quantity.mean_of} cases that are 0 or 1: the "
                f"next are {_next(number, quantity.mean_of, whole(quantity))}",
            )


def possible(number: Number, cases: int, scale: int) -> bool:
    """Tell whether a mean of so many cases, times `scale`, is printed so, rounded or cut off."""
    low = (number.value - number.resolution * (0.5 + SLACK)) * cases / scale
    high = (number.value + number.resolution * (1 - SLACK)) * cases / scale
    return math.floor(high) >= math.ceil(low)


def _next(number: Number, cases: int, scale: int) -> str:
    """Return the two possible means beside a number."""
    below = math.floor(number.value * cases / scale)
    return f"{scale * below / cases:.6g} and {scale * (below + 1) / cases:.6g}"
