"""Whether models of the same objective have the same best setting, as in source 000."""

from collections.abc import Iterator

import pandas as pd

from latentgrid.verdicts.claims import OF_LOSS, Part, of_model, where
from latentgrid.verdicts.rule import Effect

CLAIM = "VAE and Conv-VAE, which have the same objective, have the same best hyperparameters."
SOURCE = "section 6.7"
MODELS = ("vae", "conv_vae")
SETTING = ["latent_dim", "optimizer", "learning_rate"]
OPTIMIZERS = ("adadelta", "adam_000", "rmsprop")
SCALES = {
    "published scale": "min_train_batch_sum",
    "corrected scale": "min_train_batch_sum_corrected",
}
# In % of the loss, the tolerance of study.yaml: what costs less is the same setting but for noise.
TOLERANCE = 2.0
SETTINGS = 18  # of each model


def examine(runs: pd.DataFrame) -> Iterator[Part]:
    """Ask what the best setting of one model costs the other, beside its own best.

    The effect is minus that cost, for each seed of which both models ran all settings. It is 0 if
    both have the same best setting.
    """
    ran = where(of_model(runs, *MODELS), planned_epochs=50, batch_size=100)
    ran = ran[ran["optimizer"].isin(OPTIMIZERS)] if "optimizer" in ran else ran.head(0)
    for scale, measure in SCALES.items():
        for model, other in (MODELS, MODELS[::-1]):
            costs, used = _costs(ran, measure, model, other)
            yield Part(
                f"{scale}: {model} at the best setting of {other} against its own best",
                Effect([-cost for cost in costs], OF_LOSS),
                used,
                least=-TOLERANCE,
            )


def _costs(
    runs: pd.DataFrame, measure: str, model: str, other: str
) -> tuple[list[float], pd.DataFrame]:
    """Return what the other's best setting costs a model in each seed, in %, and the runs.

    Seeds of which a setting is missing are left out: it might be the best.
    """
    if not {measure, *SETTING} <= set(runs):
        return [], runs.head(0)
    table = runs.dropna(subset=[measure]).pivot_table(
        index=["seed", *SETTING], columns="model", values=measure
    )
    both = table.reindex(columns=MODELS).dropna()
    both = both[both.groupby("seed")[model].transform("size") == SETTINGS]
    costs = []
    for _, of_seed in both.groupby("seed"):
        own, chosen = of_seed[model].min(), of_seed.loc[of_seed[other].idxmin(), model]
        costs.append(100 * (float(chosen) / float(own) - 1))
    keys = pd.MultiIndex.from_frame(runs[["seed", *SETTING]])
    return costs, runs[keys.isin(both.index)]
