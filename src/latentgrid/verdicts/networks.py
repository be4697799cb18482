"""Finds the runs of a model that use the networks of its source."""

import pandas as pd

from latentgrid.grid import catalogue

FREE = ("channels", "hidden", "latent_dim", "pretraining")


def as_built(runs: pd.DataFrame, model: str) -> pd.DataFrame:
    """Return the runs of a model whose hyperparameters, except FREE ones, have their defaults.

    So a comparison of models leaves out ablations that stand in the same grid.
    """
    fits = runs["model"] == model
    for name, (_, default) in catalogue.model_hyperparameters(model).items():
        if name not in FREE and name in runs:
            fits &= runs[name].isna() | (runs[name] == default)
    return runs[fits]
