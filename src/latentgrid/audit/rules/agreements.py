"""A number differs from the one that the study sets beside it as what it should be.

Such are what somebody obtained who repeated the work of others, and what these report. The study's
file says by which share of the latter the two may differ; half a unit of either's last digit comes
on top, as both are rounded. That they differ is a fact and no mistake in the table.
"""

from collections.abc import Iterator
from decimal import Decimal

from latentgrid.audit.finding import Finding, Place
from latentgrid.studies.reading import line_of
from latentgrid.studies.schema import Agreement
from latentgrid.studies.study import Study
from latentgrid.text import beside

TITLE = "Obtained values away from their references"


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each obtained number that is farther from its reference than allowed."""
    path = study.folder / "study.yaml"
    for position, agreement in enumerate(study.facts.agreements):
        if not agrees(agreement):
            yield Finding(
                "agreements",
                Place(path, line_of(path, ("agreements", position)), agreement.place),
                f"{agreement.about}: obtained {agreement.obtained}, reference "
                f"{agreement.reference}, {_apart(agreement)}; {100 * agreement.within:g} % allowed",
            )


def agrees(agreement: Agreement) -> bool:
    """Tell whether two printed numbers agree within the share and their rounding."""
    obtained, reference = Decimal(agreement.obtained), Decimal(agreement.reference)
    rounding = (_unit(obtained) + _unit(reference)) / 2
    allowed = Decimal(str(agreement.within)) * abs(reference) + rounding
    return abs(obtained - reference) <= allowed


def _unit(number: Decimal) -> Decimal:
    """Return one unit of the last printed digit."""
    return Decimal(1).scaleb(int(number.as_tuple().exponent))


def _apart(agreement: Agreement) -> str:
    """Say how far the obtained number is from its reference: "8.1 % below it"."""
    obtained, reference = float(agreement.obtained), float(agreement.reference)
    side = "above" if obtained > reference else "below"
    if not reference:
        return f"{side} it"
    share = 100 * abs(obtained - reference) / abs(reference)
    return f"{beside(share, [100 * agreement.within], 1)} % {side} it"
