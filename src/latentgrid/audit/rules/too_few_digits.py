"""A claim compares two values that differ by less than their digits can show.

Two printed numbers whose rounding intervals overlap, |a − b| < (resolution of a + resolution of b)
/ 2, may have stood in either order before they were rounded, so that neither is known to be
better. This is arithmetic.
"""

from collections.abc import Iterator

from latentgrid.audit.comparisons import cannot_be_told_apart, pairs_of
from latentgrid.audit.finding import Finding, Place, named
from latentgrid.studies.study import Study

TITLE = "Too few digits for what is claimed"


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each compared pair of values that their digits do not tell apart."""
    for name, claim in study.facts.claims.items():
        for comparison in claim.comparisons:
            for side, rival in pairs_of(study, comparison, lambda number: number.value):
                if cannot_be_told_apart(side, rival):
                    yield Finding(
                        "too_few_digits",
                        Place.of(study, side),
                        f"claim {name} ({claim.place}) compares {side.printed} with "
                        f"{rival.printed} at {named(rival)}: their digits cannot tell which is "
                        f"{comparison.better}",
                    )
