"""The table of all controls: those of this package, and those that plugins bring."""

import importlib
from collections.abc import Callable, Iterator
from types import ModuleType

import pandas as pd

from latentgrid.errors import UserError, one_line
from latentgrid.evaluation.controls import (
    Control,
    Material,
    accuracy,
    active_units,
    clustering,
    distances,
    likelihood,
    neighbours,
    recognisability,
    reconstruction,
    silhouette,
)
from latentgrid.grid import components, plugins
from latentgrid.results.tables import joined

OWN: tuple[ModuleType, ...] = (
    recognisability,
    accuracy,
    silhouette,
    neighbours,
    clustering,
    active_units,
    reconstruction,
    likelihood,
    distances,
)
COLUMNS = [
    *("measure", "case", "expected_low", "expected_high", "value", "inside", "why", "runs"),
]


def table(material: Material) -> pd.DataFrame:
    """Return a row for each control, in the columns COLUMNS; `inside` is yes or no.

    Raises:
        UserError: a plugin's `controls` fails, or yields something else.
    """
    found = [control for module in OWN for control in module.controls(material)]
    for name in with_controls():
        found += of_plugin(name, material)
    return pd.DataFrame([_row(control) for control in found], columns=COLUMNS)


def with_controls() -> list[str]:
    """Return the names of the plugins' measures that have controls."""
    named = [name for kind, name in components.of_plugins() if kind == "measures"]
    return [name for name in named if _controls_of(name)]


def of_plugin(name: str, material: Material) -> list[Control]:
    """Return the controls that a plugin's measure brings.

    Raises:
        UserError: they fail, or are no controls.
    """
    controls = _controls_of(name)
    file = plugins.shown(components.file_of("measures", name))
    try:
        found = list(controls(material)) if controls else []
    except Exception as error:
        raise UserError(f"{file}: controls() fails: {one_line(error)}") from error
    for control in found:
        if not isinstance(control, Control):
            raise UserError(f"{file}: controls() yields {control!r}, which is no Control")
    return found


def _controls_of(name: str) -> Callable[[Material], Iterator[Control]] | None:
    module = importlib.import_module(components.module_of("measures", name))
    return getattr(module, "controls", None)


def _row(control: Control) -> dict[str, object]:
    return {
        "measure": control.measure,
        "case": control.case,
        "expected_low": control.low,
        "expected_high": control.high,
        "value": control.value,
        "inside": "yes" if control.inside else "no",
        "why": control.why,
        "runs": joined(control.runs),
    }
