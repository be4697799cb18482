"""The study prints one name in two spellings.

Two cells of an axis that the study's file takes for the same of our names are two spellings. The
one that is ours, or else the commonest, is taken for right, and each other one is named once.
Minor, but it says that a table was typed and not printed.
"""

from collections import Counter
from collections.abc import Iterator

from latentgrid.audit.finding import Finding, Place
from latentgrid.studies.numbers import Number
from latentgrid.studies.study import Study

TITLE = "Two spellings of one name"


def find(study: Study) -> Iterator[Finding]:
    """Yield a finding for each further spelling of a name."""
    for axis in ("model", *study.facts.settings):
        spelled: dict[object, list[str]] = {}
        for number in study.numbers:
            cell = printed_on(number, axis)
            spelled.setdefault(study.ours(axis, cell), []).append(cell)
        spelled.pop(None, None)  # models that are not among ours
        for ours, cells in spelled.items():
            yield from _others(study, axis, ours, Counter(cells))


def printed_on(number: Number, axis: str) -> str:
    """Return the cell of a number on an axis, as printed; empty if there is none."""
    return number.model if axis == "model" else number.printed_settings.get(axis, "")


def _others(study: Study, axis: str, ours: object, cells: Counter[str]) -> Iterator[Finding]:
    usual = max(cells, key=lambda cell: (cell == ours, cells[cell]))
    for cell in cells:
        if cell != usual:
            first = next(one for one in study.numbers if printed_on(one, axis) == cell)
            yield Finding(
                "spelling",
                Place.of(study, first),
                f"{axis} {cell} is spelled {usual} elsewhere; numbers with this spelling: "
                f"{cells[cell]}",
            )
