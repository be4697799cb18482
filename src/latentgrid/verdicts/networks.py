"""Finds the runs of a model at a setting, with the networks of its source."""

from collections.abc import Container, Mapping
from typing import Any

import pandas as pd

from latentgrid.grid import catalogue
from latentgrid.studies.settings import all_fields, fields

NOTHING: Mapping[str, Any] = {}
# Settings whose column of the table of runs has another name.
COLUMNS = {"epochs": "planned_epochs"}


def as_built(
    runs: pd.DataFrame,
    model: str,
    stated: Mapping[str, Any] = NOTHING,
    free: Container[str] = frozenset(),
) -> pd.DataFrame:
    """Return the runs of a model as its source builds it.

    Each hyperparameter and option has a stated value or, where none is stated, its default. So a
    comparison of models leaves out ablations that stand in the same grid, and runs that were
    trained with a schedule or the like. A hyperparameter without a default, such as the latent
    dimension, may have any value if none is stated.

    Args:
        runs: a table of runs.
        model: the model's name.
        stated: values of hyperparameters by name, or lists of allowed values.
        free: hyperparameters and options that may have any value if none is stated.
    """
    fits = runs["model"] == model
    for name, default in catalogue.defaults(model).items():
        if name in stated:
            fits &= has_value(runs, model, name, stated[name])
        elif default is not ... and name not in free:
            fits &= has_value(runs, model, name, default)
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
    runs: pd.DataFrame, model: str, settings: Mapping[str, Any], free: Container[str] = frozenset()
) -> pd.DataFrame:
    """Return the runs of a model at a setting; what the setting does not name has its default.

    A value may be a list of allowed values. What is in `free` may have any value. There are none if
    the setting does not name a hyperparameter that has no default.
    """
    hyperparameters = catalogue.model_hyperparameters(model)
    if any(default is ... and n not in settings for n, (_, default) in hyperparameters.items()):
        return runs.head(0)
    found = as_built(runs, model, settings, free)
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


def settings_of(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the settings of runs, a column each, as they are called in the table of runs.

    A run that does not say which value it has, has the model's default; so what an older version
    did not write down tells no run from another. A setting that a model does not have is missing,
    such as the batch size of a model in closed form, which takes no steps.
    """
    names = (COLUMNS.get(name, name) for name in ("model", *all_fields()))
    found = runs[[name for name in names if name in runs]]
    for model in runs["model"].unique():
        own = {"model", *(COLUMNS.get(name, name) for name in fields(model))}
        others = [name for name in found if name not in own]
        found = found.assign(**{n: found[n].mask(found["model"] == model) for n in others})
        for name, default in catalogue.defaults(model).items():
            if name in found and default not in (None, ...) and found[name].hasnans:
                untold = (found["model"] == model) & found[name].isna()
                filled = found[name].astype(object).mask(untold, default).infer_objects()
                found = found.assign(**{name: filled})
    return found


def once(runs: pd.DataFrame) -> pd.DataFrame:
    """Return one run for each setting and seed, the first.

    Two entries of a grid may both ask for it, and a record may be there beside a run.
    """
    return runs[~settings_of(runs).assign(seed=runs["seed"]).duplicated()]
