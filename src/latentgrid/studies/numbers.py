"""Reads `numbers.csv`: the numbers of a study, as printed, each with its setting.

A cell with an unknown value is refused. A model, an optimizer or a unit with another spelling, if
only by a space or a letter that looks alike, would fit no run, and its number would never get a
verdict. The Snakefile reads this module, so it imports nothing heavy.
"""

import csv
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from io import StringIO
from math import isinf
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from latentgrid.errors import UserError, one_line
from latentgrid.grid import catalogue
from latentgrid.grid.messages import allowed, shown
from latentgrid.studies.schema import AS_PRINTED, PRINTED, Open, StudyFile
from latentgrid.studies.settings import fields, from_text, is_number, is_value

# The columns of every study; each further column is a setting.
COLUMNS = ("table", "model", "quantity", "unit", "value")
OPTIONAL = ("spread",)
# A setting that the study fixes for our runs, whatever it was trained in.
OF_THE_STUDY = "precision"


@dataclass(frozen=True)
class Number:
    """A published number.

    Attributes:
        table: the table it stands in.
        model: the study's name of the model.
        ours: our model; None if there is none.
        settings: our hyperparameters with the values at which it was obtained, what the study says
            of all its numbers included; empty if they were not published. Of a model that we do
            not have, they are the printed ones.
        printed_settings: the cells of the file that say so, by column.
        quantity: the name of the quantity.
        printed: the number as printed.
        spread: what is printed behind ±; None if nothing is.
        line: its line of the file.
    """

    table: str
    model: str
    ours: str | None
    settings: Mapping[str, Any]
    printed_settings: Mapping[str, str]
    quantity: str
    printed: str
    spread: float | None
    line: int

    @property
    def value(self) -> float:
        """The number."""
        return float(self.printed)

    @property
    def resolution(self) -> float:
        """One unit of the last printed digit: 100 for 2.1808e+6."""
        exponent = Decimal(self.printed).as_tuple().exponent
        return float(Decimal(1).scaleb(int(exponent)))

    @property
    def setting(self) -> str:
        """The setting as printed: "latent_dim=2, optimizer=adam, learning_rate=0.0001"."""
        return ", ".join(f"{axis}={cell}" for axis, cell in self.printed_settings.items())


def read_numbers(path: Path, study: StudyFile) -> list[Number]:
    """Return the numbers of a study; none if there is no such file and the study has no tables.

    Raises:
        UserError: a cell is wrong; the text names line, column, what stands there and what is
            allowed.
    """
    if not study.tables and not path.exists():
        return []
    found: dict[tuple[Any, ...], Number] = {}
    for line, cells in _lines(path, study):
        number = _Row(path, line, cells, study).read()
        model = number.ours or number.model
        key = (number.table, model, number.quantity, *number.settings.items())
        if key in found:
            raise UserError(
                f"{path}, line {line}: line {found[key].line} has a value for this table, model, "
                f"setting and quantity; leave one"
            )
        found[key] = number
    return list(found.values())


def _lines(path: Path, study: StudyFile) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield each row of the file as texts by column, with the number of its last line."""
    reader = csv.DictReader(StringIO(text_of(path), newline=""), strict=True)
    try:
        names = list(reader.fieldnames or [])
        _require_columns(path, names, study)
        for cells in reader:
            if None in cells or None in cells.values():
                raise UserError(f"{path}, line {reader.line_num}: must have {len(names)} cells")
            yield reader.line_num, cells
    except csv.Error as error:
        raise UserError(
            f"{path}, line {reader.reader.line_num}: is no table in CSV: {one_line(error)}"
        ) from None


def text_of(path: Path) -> str:
    """Return the text of a file of a study.

    Raises:
        UserError: it cannot be read, or is no text in UTF-8; the text names the line.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; the workflow reads it") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UserError(f"{path}, line {line}: is no text in UTF-8: {error.reason}") from None


def _require_columns(path: Path, names: list[str], study: StudyFile) -> None:
    needed = (*COLUMNS, *study.settings)
    unknown = {*names} - {*needed, *OPTIONAL}
    if {*needed} - {*names} or unknown or len({*names}) < len(names):
        raise UserError(
            f"{path}, line 1: found {', '.join(map(shown_name, names)) or 'nothing'}; allowed: "
            f"{', '.join(needed)}, each once, and {', '.join(OPTIONAL)}"
        )


def shown_name(name: str | None) -> str:
    """Return the heading of a column for a message, in quotes where a space would not be seen."""
    return name if name and name.isprintable() and name == name.strip() else shown(name)


@dataclass(frozen=True)
class _Row:
    """A row of the file, while it is read."""

    path: Path
    line: int
    cells: Mapping[str, str]
    study: StudyFile

    def read(self) -> Number:
        """Return the number in this row."""
        for column, cell in self.cells.items():
            if not cell.isprintable() or cell != unicodedata.normalize("NFKC", cell).strip():
                raise self.wrong(
                    column, "a text without spaces around it or letters that look alike"
                )
        table = self.study.tables.get(self.cells["table"])
        if table is None:
            raise self.wrong(
                "table", f"{', '.join(self.study.tables) or 'none'}, the tables of study.yaml"
            )
        quantity = self.study.quantities.get(self.cells["quantity"])
        if quantity is None:
            raise self.wrong(
                "quantity",
                f"{', '.join(self.study.quantities) or 'none'}, the quantities of study.yaml",
            )
        if self.cells["unit"] != quantity.unit:
            raise self.wrong("unit", quantity.unit)
        ours = self._model()
        printed = {axis: self.cells[axis] for axis in self.study.settings if self.cells[axis]}
        hidden = table.open is Open.UNDER_SPECIFIED
        settings = {} if hidden else self._as_printed() if ours is None else self._settings(ours)
        if hidden and printed:
            raise self.wrong(
                next(iter(printed)), f"nothing, as the table is {Open.UNDER_SPECIFIED}"
            )
        return Number(
            table=self.cells["table"],
            model=self.cells["model"],
            ours=ours,
            settings=settings,
            printed_settings=printed,
            quantity=self.cells["quantity"],
            printed=self._value(quantity.least, quantity.most),
            spread=self._spread(),
            line=self.line,
        )

    def _model(self) -> str | None:
        """Return our name of the model; None if the study says that we have none."""
        cell, names = self.cells["model"], self.study.names.get("model", {})
        ours = names.get(cell, cell)
        if ours is not None and ours not in catalogue.models():
            known = dict.fromkeys((*names, *catalogue.models()))
            raise self.wrong("model", ", ".join(known))
        return None if ours is None else str(ours)

    def _settings(self, model: str) -> dict[str, Any]:
        """Return the checked settings, those of all the study's numbers included."""
        schema = fields(model)
        settings = {
            axis: self._of_all(model, axis, schema[axis])
            for axis in self.study.trained
            if axis in schema
        }
        for axis in self.study.settings:
            if axis in schema:
                settings[axis] = self._of_cell(axis, schema[axis])
            elif self.cells[axis]:
                raise self.wrong(axis, f"nothing, as {model} has no {axis}")
        for axis, field in schema.items():
            if field.is_required() and axis not in settings and axis != OF_THE_STUDY:
                raise UserError(
                    f"{self.path}, line {self.line}: a value without its setting: {model} needs "
                    f"{axis}; name it in settings or trained of study.yaml, or open the table as "
                    f"{Open.UNDER_SPECIFIED}"
                )
        return settings

    def _of_all(self, model: str, axis: str, field: FieldInfo) -> Any:
        """Return the value that the study says of all its numbers."""
        value = self._ours(axis, self.study.trained[axis])
        if not is_value(field, value):
            raise UserError(
                f"{self.path}, line {self.line}: {model} cannot have the {axis} that trained of "
                f"study.yaml has; found {shown(value)}; allowed: {allowed(field)}"
            )
        return value

    def _of_cell(self, axis: str, field: FieldInfo) -> Any:
        named = self._ours(axis, self.cells[axis])
        if is_number(field) and isinstance(named, str) and not PRINTED.fullmatch(named):
            raise self.wrong(axis, allowed(field))
        try:
            return from_text(field, named)
        except ValidationError:
            raise self.wrong(axis, allowed(field)) from None

    def _ours(self, axis: str, value: Any) -> Any:
        names = self.study.names.get(axis, {})
        return names.get(value, value) if isinstance(value, str) else value

    def _as_printed(self) -> dict[str, Any]:
        """Return the settings of a model that we do not have; numbers are numbers."""
        cells = {axis: self.cells[axis] for axis in self.study.settings if self.cells[axis]}
        found = {
            axis: float(cell) if PRINTED.fullmatch(cell) else self._ours(axis, cell)
            for axis, cell in cells.items()
        }
        return {**self.study.trained, **found}

    def _value(self, least: float | None, most: float | None) -> str:
        cell = self.cells["value"]
        if not PRINTED.fullmatch(cell):
            raise self.wrong("value", AS_PRINTED)
        low = float("-inf") if least is None else least
        high = float("inf") if most is None else most
        if not low <= float(cell) <= high or isinf(float(cell)):
            raise self.wrong("value", f"a number from {low:g} to {high:g}")
        if float(cell) == 0 and Decimal(cell) != 0:
            raise self.wrong("value", "a number that is not too small to compute with")
        return cell

    def _spread(self) -> float | None:
        cell = self.cells.get("spread", "")
        if cell and (not PRINTED.fullmatch(cell) or cell[0] == "-" or isinf(float(cell))):
            raise self.wrong("spread", "what is printed behind ±, or nothing")
        return float(cell) if cell else None

    def wrong(self, column: str, allowed: str) -> UserError:
        """Return the error for a cell."""
        found = shown(self.cells[column]) if self.cells[column] else "nothing"
        return UserError(
            f"{self.path}, line {self.line}, column {column}: found {found}; allowed: {allowed}"
        )
