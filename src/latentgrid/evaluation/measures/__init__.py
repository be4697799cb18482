"""Measures, one per file: each file has `measure(run, test)`, which returns values by name.

A value is a number, or a list with one number per class. The dictionary is empty for a run that
does not have what is measured, for example codes.
"""

import importlib
import re
from collections.abc import Mapping
from typing import Any

from latentgrid.errors import UserError
from latentgrid.grid import components, plugins
from latentgrid.results.trained import TestSet, TrainedRun

# What is known of each run before anything is measured. An axis may have the name of one, `epochs`.
OF_THE_RUN = frozenset({"status", "epochs", "parameters"})
# Columns of the tables that say what a run is; the axes of the grid are such columns too.
IDENTITY = frozenset({"run", "runs", "entry", "model", "seed", "n", "planned_epochs", "reason"})
COLUMN = re.compile(r"\w[\w ]*")


def of_run(run: TrainedRun, test: TestSet) -> dict[str, Any]:
    """Return how a run ended, how many parameters it has, and all its measures by name.

    Raises:
        UserError: a measure returns a value under a name that another value of the run has.
    """
    settings = run.config.settings
    measured: dict[str, Any] = {"status": run.outcome.status, "epochs": run.outcome.epochs}
    measured["parameters"] = run.config.parameters
    for name in components.names("measures"):
        module = importlib.import_module(components.module_of("measures", name))
        found = module.measure(run, test)
        _require_free(name, found, {*measured, *IDENTITY, *settings, *settings["hyperparameters"]})
        measured |= found
    return measured


def _require_free(measure: str, found: Mapping[str, Any], taken: set[str]) -> None:
    for key in found:
        if not isinstance(key, str) or not COLUMN.fullmatch(key):
            problem = f"returns a value under {key!r}, which is no column's name; use letters and _"
        elif key in taken:
            problem = f"returns {key}, which is there already; choose another name"
        else:
            continue
        raise UserError(f"{plugins.shown(components.file_of('measures', measure))}: {problem}")
