"""Reads and checks the published numbers before anything is trained.

A cell with an unknown value is refused. A model, an optimizer or a unit with another spelling, if
only by a space or a letter that looks alike, would fit no run, and its number would never get a
verdict. The Snakefile reads this module, so it imports nothing heavy.
"""

import csv
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from latentgrid.errors import UserError, one_line
from latentgrid.grid import catalogue
from latentgrid.grid.hyperparameters import LatentDim, LearningRate, Optimizer, PositiveInteger
from latentgrid.grid.messages import shown
from latentgrid.reference.facts import (
    AXES_000,
    LOSS,
    LOSS_UNITS,
    MODELS_000,
    NO_SETTINGS,
    ORIGINS,
    QUANTITIES,
    SILHOUETTE,
)

PUBLISHED = Path("reference/published.csv")
TRAINED = (*AXES_000, "epochs", "batch_size")
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.ASCII | re.IGNORECASE)
SILHOUETTES = "silhouette, [-1, 1]"
Row = dict[str, Any]
Read = Callable[[str], Any]


def _text(cell: str) -> str:
    if not cell.isprintable() or cell != unicodedata.normalize("NFKC", cell).strip() or not cell:
        raise ValueError("not as it would be typed")
    return cell


def _one_of(*known: str) -> Read:
    def read(cell: str) -> str:
        if cell not in known:
            raise ValueError("unknown")
        return cell

    return read


def _number(kind: Any) -> Read:
    adapter = TypeAdapter[Any](kind)

    def read(cell: str) -> Any:
        if not NUMBER.fullmatch(cell):
            raise ValueError("no number in plain digits")
        return adapter.validate_python(cell)

    return read


def _or_empty(read: Read) -> Read:
    return lambda cell: read(cell) if cell else None


TEXT = "a text without spaces around it and letters of other widths"
WHOLE = "a whole number, 1 or more"
# For each column, the function that reads a cell, and the allowed values in words.
COLUMNS: dict[str, tuple[Read, str]] = {
    "document": (_text, TEXT),
    "table": (_text, TEXT),
    "dataset": (_one_of(*catalogue.datasets()), ", ".join(catalogue.datasets())),
    "model": (_one_of(*catalogue.models()), ", ".join(catalogue.models())),
    "latent_dim": (_or_empty(_number(LatentDim)), "a whole number from 1 to 4096"),
    "optimizer": (
        _or_empty(TypeAdapter[str](Optimizer).validate_python),
        "adadelta, adam, adam_gan, adam_keras, rmsprop",
    ),
    "learning_rate": (_or_empty(_number(LearningRate)), "a number above 0, 10 at most"),
    "epochs": (_or_empty(_number(PositiveInteger)), WHOLE),
    "batch_size": (_or_empty(_number(PositiveInteger)), WHOLE),
    "quantity": (_one_of(*QUANTITIES), ", ".join(QUANTITIES)),
    "value": (_number(float), "a number"),
    "unit": (_text, TEXT),
    "origin": (_one_of(*ORIGINS), ", ".join(ORIGINS)),
}


def numbers(path: Path = PUBLISHED) -> list[Row]:
    """Return the published numbers, one a row: each column's value, None where a cell is empty.

    Raises:
        UserError: the file is no such table; the text names line, column, what stands there and
            what is allowed.
    """
    rows: dict[tuple[Any, ...], Row] = {}
    for line, cells in _lines(path):
        row = {}
        for column, (cell_of, allowed) in COLUMNS.items():
            try:
                row[column] = cell_of(cells[column])
            except ValueError:
                raise _wrong(path, line, column, cells, allowed) from None
        for column, allowed in _misfits(row):
            raise _wrong(path, line, column, cells, allowed)
        number = tuple(value for column, value in row.items() if column != "value")
        if number in rows:
            raise UserError(f"{path}, line {line}: this number stands there twice; leave one")
        rows[number] = row
    return list(rows.values())


def epochs_of_tables(rows: Iterable[Row]) -> dict[str, list[int]]:
    """Return, for each published table, the numbers of epochs of its runs, ascending."""
    lengths: dict[str, set[int]] = {}
    for row in rows:
        lengths.setdefault(row["table"], set()).update(filter(None, [row["epochs"]]))
    return {table: sorted(epochs) for table, epochs in lengths.items()}


def notes_on_tables(rows: Iterable[Row]) -> dict[str, str]:
    """Return, for each published table, the notes on the origins of its numbers."""
    origins: dict[str, dict[str, str]] = {}
    for row in rows:
        origins.setdefault(row["table"], {})[row["origin"]] = ORIGINS[row["origin"]].note
    return {table: " ".join(filter(None, of.values())) for table, of in origins.items()}


def _lines(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield each row of the file as texts by column, with the number of its last line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            names = reader.fieldnames or []
            missing, unknown = COLUMNS.keys() - {*names}, {*names} - COLUMNS.keys()
            if missing or unknown or len(names) > len(COLUMNS):
                raise UserError(f"{path}: must have these columns, once: {', '.join(COLUMNS)}")
            for cells in reader:
                if None in cells or None in cells.values():
                    raise UserError(
                        f"{path}, line {reader.line_num}: must have {len(COLUMNS)} cells"
                    )
                yield reader.line_num, cells
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; the workflow reads it") from None
    except (ValueError, csv.Error) as error:
        raise UserError(f"{path}: is no table in CSV and UTF-8: {one_line(error)}") from None


def _misfits(row: Row) -> Iterator[tuple[str, str]]:
    """Yield each column whose value does not fit the others, with the values that would."""
    hidden = row["origin"] == NO_SETTINGS
    for column in TRAINED:
        if (row[column] is None) != hidden:
            yield column, f"nothing, as {NO_SETTINGS}" if hidden else COLUMNS[column][1]
    if row["quantity"] == LOSS:
        yield from _misfits_of_loss(row, hidden)
    else:
        yield from _misfits_of_silhouette(row, hidden)


def _misfits_of_loss(row: Row, hidden: bool) -> Iterator[tuple[str, str]]:
    if hidden:
        yield "quantity", f"{SILHOUETTE}, as {NO_SETTINGS}"
    units = [unit for unit, models in LOSS_UNITS.items() if row["model"] in models]
    if not units:
        yield "model", f"{', '.join(MODELS_000)}, of which {LOSS} is known"
    elif not any(re.fullmatch(unit, row["unit"], re.ASCII) for unit in units):
        yield (
            "unit",
            " or ".join(unit.replace("[1-9]\\d*", "600").replace("\\", "") for unit in units),
        )
    if not 0 < row["value"] < math.inf:
        yield "value", "a number above 0"


def _misfits_of_silhouette(row: Row, hidden: bool) -> Iterator[tuple[str, str]]:
    models = [model for model in catalogue.models() if _has_codes(model, hidden)]
    if row["model"] not in models:
        yield "model", f"{', '.join(models)}, whose codes have silhouettes"
    if row["unit"] != SILHOUETTES:
        yield "unit", SILHOUETTES
    if not -1 <= row["value"] <= 1 or row["value"] == 0:
        yield "value", "a number from -1 to 1 other than 0"


def _has_codes(model: str, hidden: bool) -> bool:
    """Tell whether a model has codes and, unless `hidden`, each setting of source 000's grid."""
    settings = catalogue.settings_schema(model).model_fields
    return "encode" in catalogue.abilities(model) and (hidden or settings.keys() >= {*TRAINED})


def _wrong(path: Path, line: int, column: str, cells: Mapping[str, str], allowed: str) -> UserError:
    found = shown(cells[column]) if cells[column] else "nothing"
    return UserError(f"{path}, line {line}, column {column}: found {found}; allowed: {allowed}")
