"""Whether models of the same objective have the same best setting, as in source 000."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from latentgrid.verdicts.claims import OF_LOSS, Part, of_model, where
from latentgrid.verdicts.networks import once
from latentgrid.verdicts.rule import Share

CLAIM = "VAE and Conv-VAE, which have the same objective, have the same best hyperparameters."
SOURCE = "section 6.7"
MODELS = ("vae", "conv_vae")
GRID = {
    "latent_dim": (2, 20, 50),
    "optimizer": ("adadelta", "adam_000", "rmsprop"),
    "learning_rate": (0.0001, 0.00075),
}
SETTING = [*GRID]
SETTINGS = 18  # of each model
SCALES = {
    "published scale": "min_train_batch_sum",
    "corrected scale": "min_train_batch_sum_corrected",
}


def examine(runs: pd.DataFrame) -> Iterator[Part]:
    """Ask whether the best setting of one model beats all other settings of the other, too.

    The rule is that of the claim best_configuration: the setting against the best of the 17 others,
    each by its mean over the seeds of which both models ran all settings.
    """
    ran = where(of_model(runs, *MODELS), planned_epochs=50, batch_size=100)
    for name, values in GRID.items():
        ran = ran[ran[name].isin(values)] if name in ran else ran.head(0)
    for scale, measure in SCALES.items():
        both, used = _whole(ran, measure)
        for model, other in (MODELS, MODELS[::-1]):
            yield Part(
                f"{scale}: {model} at the best setting of {other} against the best other",
                Share(_gained(both, model, other), OF_LOSS, sign=-1),
                used,
            )


def _whole(runs: pd.DataFrame, measure: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a row a setting and seed, a column a model, and the runs, of the whole seeds.

    Seeds of which a setting is missing are left out: it might be the best.
    """
    if not {measure, *SETTING} <= set(runs):
        return pd.DataFrame(), runs.head(0)
    runs = once(runs.dropna(subset=[measure]))
    table = runs.pivot_table(index=["seed", *SETTING], columns="model", values=measure)
    both = table.reindex(columns=MODELS).dropna()
    both = both[both.groupby("seed")[MODELS[0]].transform("size") == SETTINGS]
    keys = pd.MultiIndex.from_frame(runs[["seed", *SETTING]])
    return both, runs[keys.isin(both.index)]


def _gained(both: pd.DataFrame, model: str, other: str) -> list[float]:
    """Return, for each seed, how much better a model is at the other's best setting (`Share`)."""
    if both.empty:
        return []
    means = both.groupby(SETTING).mean()
    chosen = means[other].idxmin()
    best_other = means[model].drop(index=[chosen]).idxmin()
    at = both[model].unstack("seed")  # a row a setting, a column a seed
    return list(map(float, -np.log(at.loc[chosen] / at.loc[best_other])))
