"""One file a measure; each has `measure(run, test)`, which returns its figures by name.

A figure is a number, or a list with one number a class. A run that cannot be measured so (it has
no codes, say) gives an empty dictionary.
"""

import importlib
from typing import Any

from latentgrid.grid import components
from latentgrid.results.trained import TestSet, TrainedRun


def of_run(run: TrainedRun, test: TestSet) -> dict[str, Any]:
    """Return how a run ended, how many parameters it has, and all measures of it by name."""
    figures: dict[str, Any] = {"status": run.outcome.status, "epochs": run.outcome.epochs}
    figures["parameters"] = run.config.parameters
    for name in components.names("measures"):
        module = importlib.import_module(components.module_of("measures", name))
        figures |= module.measure(run, test)
    return figures
