"""A claim does not hold at a setting of the study's own table.

Each comparison of a claim that says which published quantity shows the same (`published_as`) is
made on the printed numbers: side against rival, at each setting that both have, or against the
best of all others. The claim is beaten where the effect is below what it needs, whatever the two
numbers were before they were rounded. Where the study knows an excess in its numbers, the same is
done without it: a claim may hold on the printed scale only. This is arithmetic, but a claim that
is true of what settings give on average may be beaten at one of them by the chance of a seed; how
often depends on the effect (docs/audit.md has it for one of five times the spread of a seed).
"""

from collections.abc import Iterator, Sequence
from functools import partial

from latentgrid.audit.cells import without_excess
from latentgrid.audit.comparisons import Pair, Value, as_printed, bounds, pairs_of
from latentgrid.audit.finding import Finding, Place, unlike
from latentgrid.studies.numbers import Number
from latentgrid.studies.schema import Comparison
from latentgrid.studies.study import Study
from latentgrid.text import number as in_words

TITLE = "Claims against the study's own table"


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each setting at which a claim is beaten, as printed or without excess."""
    for claim in study.facts.claims.values():
        for comparison in claim.comparisons:
            printed = list(pairs_of(study, comparison, as_printed))
            beaten = [pair for pair in printed if _is_beaten(comparison, pair, as_printed)]
            further = list(_beaten_without_excess(study, comparison, [side for side, _ in beaten]))
            about = (
                f"«{claim.says}» ({claim.place}), {comparison.described}: "
                f"{_counted(len(beaten), len(printed), len(further))}"
            )
            for pair in beaten:
                says = _opposed(comparison, pair) + _needed(comparison, pair, as_printed)
                yield Finding("claims_against_table", Place.of(study, pair[0]), says, about)
            for pair in further:
                side, rival = (in_words(without_excess(study, number)) for number in pair)
                says = (
                    f"{_opposed(comparison, pair)}: without the known excess they are {side} and "
                    f"{rival}{_needed(comparison, pair, partial(without_excess, study))}"
                )
                yield Finding("claims_against_table", Place.of(study, pair[0]), says, about)


def _opposed(comparison: Comparison, pair: Pair) -> str:
    """Set a side against its rival, which beats it unless the claim needs some other effect."""
    side, rival = pair
    verb = "against" if comparison.least else "is beaten by"
    return f"{side.printed} {verb} {rival.printed} at {unlike(rival, side)}"


def _needed(comparison: Comparison, pair: Pair, value: Value) -> str:
    """Say which effect the claim needs and the numbers do not have; "" if the better value does."""
    if not comparison.least:
        return ""
    _, most = bounds(comparison, pair, value)
    return (
        f"; the effect is {in_words(most)} {comparison.unit} at the most, and the claim needs more "
        f"than {in_words(comparison.least)}"
    )


def _counted(beaten: int, of: int, further: int) -> str:
    """Say at how many settings a claim is beaten as printed, and how many more without excess."""
    settings = f"{of} setting{'s' if of > 1 else ''}"
    if not further:
        return f"beaten at {beaten} of {settings}"
    if not beaten:
        return f"beaten at {further} of {settings} without the known excess"
    return f"beaten at {beaten} of {settings}, and at {further} more without the known excess"


def _beaten_without_excess(
    study: Study, comparison: Comparison, beaten: Sequence[Number]
) -> Iterator[Pair]:
    """Yield each further side with its rival where the claim is beaten without the excess."""
    value = partial(without_excess, study)
    for side, rival in pairs_of(study, comparison, value):
        if side not in beaten and _is_beaten(comparison, (side, rival), value):
            yield side, rival


def _is_beaten(comparison: Comparison, pair: Pair, value: Value) -> bool:
    """Tell whether no effect that rounding leaves possible is as large as the claim needs."""
    _, most = bounds(comparison, pair, value)
    return most < comparison.least
