"""Measures, one per file: each file has `measure(run, test)`, which returns values by name.

A value is a number, or a list with one number per class. The dictionary is empty for a run that
does not have what is measured, for example codes.
"""

import importlib
from typing import Any

from latentgrid.grid import components
from latentgrid.results.trained import TestSet, TrainedRun


def of_run(run: TrainedRun, test: TestSet) -> dict[str, Any]:
    """Return how a run ended, how many parameters it has, and all its measures by name."""
    measured: dict[str, Any] = {"status": run.outcome.status, "epochs": run.outcome.epochs}
    measured["parameters"] = run.config.parameters
    for name in components.names("measures"):
        module = importlib.import_module(components.module_of("measures", name))
        measured |= module.measure(run, test)
    return measured
