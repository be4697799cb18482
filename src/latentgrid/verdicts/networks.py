"""Finds the runs of a model at a setting, with the networks of its source."""

from collections.abc import Container, Iterable, Mapping
from typing import Any

import pandas as pd

from latentgrid.grid import catalogue

FREE = frozenset({"channels", "hidden", "latent_dim", "pretraining"})
# Settings whose column of the table of runs has another name.
COLUMNS = {"epochs": "planned_epochs"}


def as_built(runs: pd.DataFrame, model: str, free: Container[str] = FREE) -> pd.DataFrame:
    """Return the runs of a model whose hyperparameters and options have their defaults.

    So a comparison of models leaves out ablations that stand in the same grid, and runs that were
    trained with a schedule or the like. Settings in `free` may have any value.
    """
    fits = runs["model"] == model
    for name, default in catalogue.defaults(model).items():
        if name not in free and name in runs:
            fits &= runs[name].isna() | (runs[name] == default)
    return runs[fits]


def options_set(runs: pd.DataFrame, model: str) -> list[str]:
    """Return the names of the options, such as a schedule, that some runs of a model have."""
    known = catalogue.defaults(model)
    return [
        name
        for name in catalogue.options(model)
        if name in runs and (runs[name].notna() & (runs[name] != known[name])).any()
    ]


def at_setting(
    runs: pd.DataFrame, model: str, settings: Mapping[str, Any], free: Iterable[str] = ()
) -> pd.DataFrame:
    """Return the runs of a model at a setting; what the setting does not name has its default.

    A value may be a list of allowed values. What is in `free` may have any value.
    """
    found = as_built(runs, model, free={*settings, *free})
    for name, value in settings.items():
        found = found[has_value(found, model, name, value)]
    return found


def has_value(runs: pd.DataFrame, model: str, name: str, value: Any) -> "pd.Series[bool]":
    """Tell which runs of a model have a value, or one of a list of values, of a hyperparameter.

    A run that does not say which value it has, has the model's default.
    """
    column, allowed = COLUMNS.get(name, name), value if isinstance(value, list) else [value]
    default = catalogue.defaults(model).get(name)
    if column not in runs:
        return pd.Series(default in allowed, index=runs.index)
    return runs[column].isin(allowed) | (runs[column].isna() & (default in allowed))
