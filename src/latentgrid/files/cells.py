"""Cells of tables in CSV that a spreadsheet takes for what they are."""

import re
import unicodedata
from typing import Any

from latentgrid.errors import printable

RUN_BY_SPREADSHEETS = {"=", "+", "-", "@"}
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.ASCII | re.IGNORECASE)


def as_cell(value: Any) -> Any:
    """Return a value as a cell of a table: a text that a spreadsheet would run gets a leading '.

    A spreadsheet runs texts that begin with one of = + - @ or their full-width forms, a tab or a
    carriage return (OWASP, CSV injection). Letters that cannot be seen become �. Numbers stay as
    they are, also as text.
    """
    if not isinstance(value, str):
        return value
    cell = printable(value)
    runs = unicodedata.normalize("NFKC", cell[:1]) in RUN_BY_SPREADSHEETS or value[:1] in {
        "\t",
        "\r",
    }
    return f"'{cell}" if runs and not NUMBER.fullmatch(cell) else cell
