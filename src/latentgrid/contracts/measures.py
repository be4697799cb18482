"""The contract of a measure (`latentgrid.evaluation.measures`)."""

import importlib
from typing import Any

from latentgrid.contracts import require, sample
from latentgrid.evaluation import measures
from latentgrid.evaluation.controls import Material
from latentgrid.evaluation.controls.table import brought_by
from latentgrid.grid import catalogue, components
from latentgrid.grid.runs import read_plan
from latentgrid.results.trained import TrainedRun, load_test_set, load_training_images


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
                    _is_finite(value),
                    f"measure() of {planned['entry']} gives {key} = {value!r}, no finite number",
                )
            require(found == again, f"measure() of {planned['entry']} does not repeat")


def takes_no_other_name(name: str) -> None:
    """`measure` gives its numbers under names that nothing else of a run has."""
    with sample.trained():
        test = load_test_set(sample.LAYOUT.images)
        for planned in read_plan(sample.LAYOUT.plan):
            measures.of_run(TrainedRun(sample.LAYOUT.run(planned["name"])), test)


def gives_what_it_names(name: str) -> None:
    """`MEASURES`, where the file has it, names every single number that `measure` gives."""
    told = catalogue.names_of_values(name)
    if told is None:
        return
    measure = importlib.import_module(components.module_of("measures", name)).measure
    with sample.trained():
        test = load_test_set(sample.LAYOUT.images)
        for planned in read_plan(sample.LAYOUT.plan):
            run = TrainedRun(sample.LAYOUT.run(planned["name"]), frozenset({"judged"}))
            single = {
                key for key, value in measure(run, test).items() if not isinstance(value, list)
            }
            names = {*told} | catalogue.history_columns()
            require(single <= names, f"MEASURES lacks {', '.join(sorted(single - names))}")


def lies_within_its_controls(name: str) -> None:
    """`controls`, where the file has it, yields cases whose value lies in its known range."""
    with sample.trained():
        test = load_test_set(sample.LAYOUT.images)
        material = Material(test, load_training_images(sample.LAYOUT.images), judge=None)
        for control in brought_by(name, material):
            require(
                control.inside,
                f"{control.measure}, {control.case}: {control.value:.6g}, expected "
                f"{control.low:.6g} to {control.high:.6g} ({control.why})",
            )


def _is_finite(value: Any) -> bool:
    try:
        measures.as_numbers(value)
    except ValueError:
        return False
    return True


CHECKS = (
    gives_numbers_of_every_run,
    takes_no_other_name,
    gives_what_it_names,
    lies_within_its_controls,
)
