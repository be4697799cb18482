"""The table of all controls: those of this package, and those that plugins bring."""

import importlib
from types import ModuleType

import pandas as pd

from latentgrid.errors import UserError, one_line
from latentgrid.evaluation.controls import (
    Control,
    Material,
    accuracy,
    active_units,
    class_means,
    class_regions,
    clustering,
    distances,
    likelihood,
    neighbours,
    recognisability,
    reconstruction,
    restoration,
    segmentation,
    sharpness,
    silhouette,
    steadiness,
)
from latentgrid.grid import components, plugins
from latentgrid.grid.blame import place_of
from latentgrid.results.tables import joined

OWN: tuple[ModuleType, ...] = (
    recognisability,
    accuracy,
    segmentation,
    silhouette,
    class_regions,
    neighbours,
    clustering,
    active_units,
    reconstruction,
    restoration,
    class_means,
    sharpness,
    likelihood,
    distances,
    steadiness,
)
COLUMNS = [
    *("measure", "case", "expected_low", "expected_high", "value", "inside", "why", "runs"),
]


def table(material: Material) -> pd.DataFrame:
    """Return a row for each control, in the columns COLUMNS; `inside` is yes or no.

    Raises:
        UserError: the controls of a plugin's measure fail, or are none.
    """
    found = [control for module in OWN for control in module.controls(material)]
    for kind, name in components.of_plugins():
        if kind == "measures":
            found += brought_by(name, material)
    return pd.DataFrame([_row(control) for control in found], columns=COLUMNS)


def brought_by(name: str, material: Material) -> list[Control]:
    """Return the controls that a measure brings as `controls` in its own file, perhaps none.

    Raises:
        UserError: they fail, or are none.
    """
    module = importlib.import_module(components.module_of("measures", name))
    controls = getattr(module, "controls", None)
    if controls is None:
        return []
    file = plugins.shown(components.file_of("measures", name))
    try:
        found = list(controls(material))
    except Exception as error:
        place = place_of(components.file_of("measures", name), error)
        reason = f"{type(error).__name__}: {one_line(error)}"
        raise UserError(f"{place}: controls() fails: {reason}") from error
    for control in found:
        if not isinstance(control, Control):
            raise UserError(f"{file}: controls() yields {control!r}, which is no Control")
        if not control.low <= control.high:
            span = f"{control.low} to {control.high}"
            raise UserError(f"{file}: controls() yields the range {span}, which holds nothing")
    return found


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
