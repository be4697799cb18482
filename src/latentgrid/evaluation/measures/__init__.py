"""Measures, one per file: each file has `measure(run, test)`, which returns values by name.

A value is a finite number, of Python's or NumPy's, or a list with one number per class. The
dictionary is empty for a run that does not have what is measured, for example codes.
"""

import importlib
import math
import re
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

from latentgrid.errors import UserError
from latentgrid.grid import components, plugins
from latentgrid.grid.blame import blaming
from latentgrid.grid.messages import shown
from latentgrid.results.trained import TestSet, TrainedRun

# What is known of each run before anything is measured. An axis may have the name of one, `epochs`.
OF_THE_RUN = frozenset({"status", "epochs", "parameters"})
# Columns of the tables that say what a run is; the axes of the grid are such columns too.
IDENTITY = frozenset({"run", "runs", "entry", "model", "seed", "n", "planned_epochs", "reason"})
COLUMN = re.compile(r"\w[\w ]*")


def of_run(run: TrainedRun, test: TestSet) -> dict[str, Any]:
    """Return how a run ended, how many parameters it has, and all its measures by name.

    Raises:
        UserError: a measure of a plugin raises an error, or returns a value under a name that
            another value of the run has, or what is no finite number; the text names its file.
    """
    settings = run.config.settings
    measured: dict[str, Any] = {"status": run.outcome.status, "epochs": run.outcome.epochs}
    measured["parameters"] = run.config.parameters
    for name in components.names("measures"):
        module = importlib.import_module(components.module_of("measures", name))
        with blaming("measures", name):
            found = module.measure(run, test)
        _require_free(name, found, {*measured, *IDENTITY, *settings, *settings["hyperparameters"]})
        measured |= {key: _numbers(name, key, value) for key, value in found.items()}
    return measured


def as_numbers(value: Any) -> Any:
    """Return a number, or each of a list of numbers, as one of Python's own; None stays.

    Raises:
        ValueError: it is something else, or not finite.
    """
    if isinstance(value, list):
        return [as_numbers(one) for one in value]
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise ValueError("no finite number")
    return int(value) if isinstance(value, Integral) else float(value)


def _numbers(measure: str, key: str, value: Any) -> Any:
    try:
        return as_numbers(value)
    except ValueError:
        file = plugins.shown(components.file_of("measures", measure))
        raise UserError(
            f"{file}: returns {key} = {value!r}; allowed: a finite number, or a list with one for "
            f"each class"
        ) from None


def _require_free(measure: str, found: object, taken: set[str]) -> None:
    file = plugins.shown(components.file_of("measures", measure))
    if not isinstance(found, Mapping):
        told = shown(found) if found is None else type(found).__name__
        raise UserError(
            f"{file}: measure() returns {told}; allowed: numbers by name, {{}} for none"
        )
    for key in found:
        if not isinstance(key, str) or not COLUMN.fullmatch(key):
            problem = f"returns a value under {key!r}, which is no column's name; use letters and _"
        elif key in taken:
            problem = f"returns {key}, which is there already; choose another name"
        else:
            continue
        raise UserError(f"{file}: {problem}")
