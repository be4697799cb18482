"""A claim does not hold at a setting of the study's own table.

Each comparison of a claim that says which published quantity shows the same (`published_as`) is
made on the printed numbers: side against rival, at each setting that both have, or against the
best of all others; the side is beaten where its effect is below what the claim needs, and the
digits can tell. Where the study knows an excess in its numbers, the same is done without it: a
claim may hold on the printed scale only. This is arithmetic, but a claim that is true of what
settings give on average may be beaten at one of them by the chance of a seed; how often depends on
the effect (docs/audit.md has it for one of five times the spread of a seed).
"""

from collections.abc import Iterator, Sequence
from functools import partial

from latentgrid.audit.cells import without_excess
from latentgrid.audit.comparisons import Pair, Value, cannot_be_told_apart, gained, pairs_of
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
                f"«{claim.says}» ({claim.place}), {comparison.says}: "
                f"{_counted(len(beaten), len(printed), len(further))}"
            )
            for side, rival in beaten:
                says = f"{side.printed} is beaten by {rival.printed} at {unlike(rival, side)}"
                yield Finding("claims_against_table", Place.of(study, side), says, about)
            for side, rival in further:
                yield Finding(
                    "claims_against_table",
                    Place.of(study, side),
                    f"{side.printed} is beaten by {rival.printed} at {unlike(rival, side)}: "
                    f"without the known excess they are {in_words(without_excess(study, side))} "
                    f"and {in_words(without_excess(study, rival))}",
                    about,
                )


def as_printed(number: Number) -> float:
    """Return a number as it is."""
    return number.value


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
    """Tell whether a side is less good than the claim says, as far as digits can tell."""
    side, rival = pair
    effect = gained(comparison, value(side), value(rival))
    return effect < comparison.least and not cannot_be_told_apart(side, rival)
