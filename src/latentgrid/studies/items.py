"""Reads `items.csv`: what a study describes, item by item, with what covers it here.

A row names what covers its item, such as `model:vae`, or says in `lacks` what is missing and why;
both where a part is missing. `references` tells whether what is named exists.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from io import StringIO
from pathlib import Path

from latentgrid.errors import UserError, one_line
from latentgrid.studies import references
from latentgrid.studies.numbers import text_of
from latentgrid.studies.references import Reference
from latentgrid.studies.study import Study

ITEMS = "items.csv"
COLUMNS = ("item", "kind", "place", "covered_by", "lacks")
KINDS = (
    *("model", "block", "optimizer", "training", "data", "measure", "number", "claim", "figure"),
    *("app", "theory", "application", "proposal", "limitation"),
)

UNDER_WAY = re.compile(r"under way: ([^;]*)")


class State(StrEnum):
    """Whether an item is covered."""

    COVERED = "covered"
    PARTLY = "partly"
    NOT_COVERED = "not covered"


@dataclass(frozen=True)
class Item:
    """One thing that a study describes.

    Attributes:
        says: what it is, in a few words.
        kind: one of KINDS.
        place: where the study describes it; "none" if it does not, and it belongs to the rest.
        covered_by: what covers it here.
        lacks: what is missing and why; empty if nothing is.
        line: its line of the file.
    """

    says: str
    kind: str
    place: str
    covered_by: tuple[Reference, ...]
    lacks: str
    line: int

    @property
    def state(self) -> State:
        """Whether it is covered."""
        if not self.covered_by:
            return State.NOT_COVERED
        return State.PARTLY if self.lacks else State.COVERED


def read_items(study: Study) -> list[Item]:
    """Return the items of a study, in the order of the file; none if it has no such file.

    Raises:
        UserError: a row is wrong; the text names line, column and what is allowed.
    """
    path = study.folder / ITEMS
    if not path.exists():
        return []
    items = [_item(path, line, cells) for line, cells in _lines(path)]
    seen: dict[str, int] = {}
    for item in items:
        if seen.setdefault(item.says, item.line) != item.line:
            raise _wrong(path, item.line, "item", f"line {seen[item.says]} is the same; leave one")
    return items


def require_true(study: Study, items: list[Item]) -> None:
    """Refuse items that are covered by what does not exist, or lack what does.

    Raises:
        UserError: the text names file, line and column, and what to do.
    """
    path = study.folder / ITEMS
    for item in items:
        for reference in item.covered_by:
            reason = references.why_missing(reference, study)
            if reason:
                raise _wrong(path, item.line, "covered_by", f"{reference}: {reason}")
        for reference in _awaited(item.lacks):
            if not references.why_missing(reference, study):
                said = (
                    f"{reference} is there; name it in covered_by, and here what is still missing"
                )
                raise _wrong(path, item.line, "lacks", said)


def _awaited(lacks: str) -> Iterator[Reference]:
    """Yield what a text names behind "under way:", up to a semicolon."""
    for clause in UNDER_WAY.findall(lacks):
        yield from references.named_in(clause)


def _item(path: Path, line: int, cells: Mapping[str, str]) -> Item:
    for column in ("item", "place"):
        if not cells[column]:
            raise _wrong(path, line, column, "found nothing; allowed: a few words")
    if cells["kind"] not in KINDS:
        raise _wrong(path, line, "kind", f"found {cells['kind']}; allowed: {', '.join(KINDS)}")
    if not cells["covered_by"] and not cells["lacks"]:
        raise _wrong(path, line, "lacks", "name what covers the item, or say why nothing does")
    try:
        covered_by = tuple(map(Reference.parse, cells["covered_by"].split()))
    except ValueError as error:
        raise _wrong(path, line, "covered_by", str(error)) from None
    return Item(cells["item"], cells["kind"], cells["place"], covered_by, cells["lacks"], line)


def _lines(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    reader = csv.DictReader(StringIO(text_of(path), newline=""), strict=True)
    try:
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise UserError(f"{path}, line 1: must have the columns {', '.join(COLUMNS)}")
        for cells in reader:
            if None in cells or None in cells.values():
                raise UserError(f"{path}, line {reader.line_num}: must have {len(COLUMNS)} cells")
            yield (
                reader.line_num,
                {name: re.sub(r"\s+", " ", v).strip() for name, v in cells.items()},
            )
    except csv.Error as error:
        raise UserError(
            f"{path}, line {reader.line_num}: is no table in CSV: {one_line(error)}"
        ) from None


def _wrong(path: Path, line: int, column: str, reason: str) -> UserError:
    return UserError(f"{path}, line {line}, column {column}: {reason}")
