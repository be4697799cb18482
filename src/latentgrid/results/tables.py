"""Reads the tables that the steps write, and the columns in which a row names its runs."""

from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd

from latentgrid.errors import damaged
from latentgrid.files.layout import Layout
from latentgrid.grid.runs import read_plan

MISSING = ["", "nan"]  # as pandas and Python write a missing number


def read_table(path: Path, words: Mapping[str, type] | None = None) -> pd.DataFrame:
    """Read a CSV file that a step wrote; a table without columns is a single line end.

    Only an empty cell and nan are missing: a class, a setting or a table may be called None or NA.

    Args:
        path: the file.
        words: columns to read as text even where it looks like numbers, each with `str`.

    Raises:
        UserError: the file is damaged.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if not text.endswith("\n"):
            raise ValueError("it is cut short")
        if not text.strip():
            return pd.DataFrame()
        return pd.read_csv(StringIO(text), dtype=words, keep_default_na=False, na_values=MISSING)
    except (ValueError, IsADirectoryError) as error:
        raise damaged(path, error) from None


def read_runs(layout: Layout) -> pd.DataFrame:
    """Return the table of runs as it was written.

    Raises:
        UserError: it is damaged, or does not hold the runs of the plan.
    """
    path = layout.tables / "runs.csv"
    runs = read_table(path)
    planned = [run["name"] for run in read_plan(layout.plan)]
    if "run" not in runs or runs["run"].tolist() != planned:
        raise damaged(path, f"it does not hold the {len(planned)} runs of {layout.plan}")
    return runs


def as_planned(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the table of runs with the planned epochs as the axis `epochs`.

    There the table has the completed ones, which are fewer in a run that ended early.
    """
    if not {"planned_epochs", "epochs"} <= {*runs.columns}:
        return runs
    return runs.assign(epochs=runs["planned_epochs"].astype(runs["epochs"].dtype))


def axes_of(plan: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of all axes in the plan, in the order of their first appearance."""
    return list(dict.fromkeys(axis for planned in plan for axis in planned["axes"]))


def joined(runs: Iterable[str]) -> str:
    """Return names of runs as one cell of the column `runs`: each once, separated by ;."""
    return ";".join(dict.fromkeys(runs))


def separated(runs: object) -> list[str]:
    """Split a cell of the column `runs` into names; an empty cell has none."""
    return runs.split(";") if isinstance(runs, str) and runs else []
