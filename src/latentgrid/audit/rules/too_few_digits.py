"""A claim compares two values, and their digits cannot show whether it holds.

Before they were rounded, two printed numbers may have been anything within half a unit of their
last digits. Where the effect that the claim needs lies between the least and the most that these
intervals allow, nobody knows whether the claim holds. A claim that needs no more than the better
value is one of these where |a − b| < (resolution of a + resolution of b) / 2. This is arithmetic.
"""

from collections.abc import Iterator

from latentgrid.audit.comparisons import as_printed, bounds, pairs_of
from latentgrid.audit.finding import Finding, Place, named
from latentgrid.studies.schema import Comparison
from latentgrid.studies.study import Study
from latentgrid.text import number as in_words

TITLE = "Too few digits for what is claimed"


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each compared pair whose digits do not tell whether the claim holds."""
    for name, claim in study.facts.claims.items():
        for comparison in claim.comparisons:
            for side, rival in pairs_of(study, comparison, as_printed):
                least, most = bounds(comparison, (side, rival), as_printed)
                if least < comparison.least < most:
                    yield Finding(
                        "too_few_digits",
                        Place.of(study, side),
                        f"claim {name} ({claim.place}) compares {side.printed} with "
                        f"{rival.printed} at {named(rival)}: their digits cannot tell "
                        f"{_whether(comparison)}",
                    )


def _whether(comparison: Comparison) -> str:
    """Say what is not known: which of two values is better, or whether it is so by enough."""
    if not comparison.least:
        return f"which is {comparison.better}"
    return f"whether the effect exceeds {in_words(comparison.least)} {comparison.unit}"
