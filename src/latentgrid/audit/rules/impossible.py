"""A value lies outside what its quantity can be, once a known part of it is taken away.

`least` and `most` of the quantity bound what is printed; less the excess that the study names,
which is no part of what is measured, it must not fall below `least` either. Half a unit of the
last digit is allowed. This is arithmetic: it can only be wrong where the study's file is.
"""

from collections.abc import Iterator

from latentgrid.audit.cells import without_excess
from latentgrid.audit.finding import Finding, Place
from latentgrid.studies.study import Study
from latentgrid.text import number as in_words

TITLE = "Impossible values"


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each value that is impossible."""
    for number in study.numbers:
        quantity = study.quantity(number)
        left = without_excess(study, number)
        half = number.resolution / 2
        excess = study.excess(number)
        taken = f" less the excess of {in_words(excess)}" if excess else ""
        if quantity.least is not None and left + half < quantity.least:
            says = f"{number.printed}{taken} is {in_words(left)}; least: {in_words(quantity.least)}"
        elif quantity.most is not None and left - half > quantity.most:
            says = f"{number.printed}{taken} is {in_words(left)}; most: {in_words(quantity.most)}"
        else:
            continue
        yield Finding("impossible", Place.of(study, number), says)
