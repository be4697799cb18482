"""The contract of a measure (`latentgrid.evaluation.measures`)."""

import importlib
import math
from typing import Any

from latentgrid.contracts import require, sample
from latentgrid.evaluation import measures
from latentgrid.grid import components
from latentgrid.grid.runs import read_plan
from latentgrid.results.trained import TrainedRun, load_test_set


def gives_numbers_of_every_run(name: str) -> None:
    """`measure` gives finite numbers by name, or nothing, for runs of each kind; twice the same."""
    measure = importlib.import_module(components.module_of("measures", name)).measure
    with sample.trained():
        test = load_test_set(sample.LAYOUT.images)
        for planned in read_plan(sample.LAYOUT.plan):
            run = TrainedRun(sample.LAYOUT.run(planned["name"]), frozenset({"judged"}))
            found, again = measure(run, test), measure(run, test)
            require(isinstance(found, dict), "measure() must return numbers by name, or {}")
            for key, value in found.items():
                require(
                    all(map(_is_number, value if isinstance(value, list) else [value])),
                    f"measure() of {planned['entry']} gives {key} = {value!r}, no finite number",
                )
            require(found == again, f"measure() of {planned['entry']} does not repeat")


def takes_no_other_name(name: str) -> None:
    """`measure` gives its numbers under names that nothing else of a run has."""
    with sample.trained():
        test = load_test_set(sample.LAYOUT.images)
        for planned in read_plan(sample.LAYOUT.plan):
            measures.of_run(TrainedRun(sample.LAYOUT.run(planned["name"])), test)


def _is_number(value: Any) -> bool:
    """Tell whether a value is a Python number, or a list of numbers, some of which may be None."""
    return value is None or (type(value) in (int, float) and math.isfinite(value))


CHECKS = (gives_numbers_of_every_run, takes_no_other_name)
