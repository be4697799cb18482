"""The best setting of each model in source 000."""

from collections.abc import Iterator

import pandas as pd

from latentgrid.reference.facts import ADAM, AXES_000
from latentgrid.verdicts.claims import OF_LOSS, Part, of_000, where
from latentgrid.verdicts.pairs import paired
from latentgrid.verdicts.rule import Effect

CLAIM = (
    "Of its 18 settings each model does best with d = 20 and Adam, the learning rate 0.0001 for \
VAE and Conv-VAE and 0.00075 for MMD-VAE."
)
SOURCE = "000, table VI.5"
LEARNING_RATE = {"vae": 0.0001, "conv_vae": 0.0001, "mmd_vae": 0.00075}
SETTINGS = 18


def examine(runs: pd.DataFrame) -> Iterator[Part]:
    """Compare the published best setting with the best of the other settings among our runs."""
    for model, rate in LEARNING_RATE.items():
        ours = of_000(runs, model)
        best = where(ours, latent_dim=20, optimizer=ADAM, learning_rate=rate)
        others = ours.drop(best.index)
        for measure, scale in scales(model):
            rival = smallest(others, measure)
            pairs = paired(best, rival, measure)
            tried = len(ours[AXES_000].drop_duplicates()) if not pairs.used.empty else 0
            yield Part(
                f"{model}, {scale}: against {setting(rival)}",
                Effect(pairs.saved, OF_LOSS),
                pairs.used,
                note=f"{tried} of {SETTINGS} settings were run",
            )


def scales(model: str) -> Iterator[tuple[str, str]]:
    """Yield the columns in which a model's losses are compared, with their names.

    MMD-VAE's published loss has no constant to correct.
    """
    yield "min_train_batch_sum", "published scale"
    if model != "mmd_vae":
        yield "min_train_batch_sum_corrected", "corrected scale"


def smallest(runs: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Return the runs of the setting with the smallest mean of a measure."""
    if measure not in runs or runs[measure].isna().all():
        return runs.head(0)
    means = runs.groupby(AXES_000)[measure].mean()
    return where(runs, **dict(zip(AXES_000, means.idxmin(), strict=True)))


def setting(runs: pd.DataFrame) -> str:
    """Name the setting that all runs share."""
    if runs.empty:
        return "the others"
    first = runs.iloc[0]
    return f"d = {first['latent_dim']:.0f}, {first['optimizer']}, {first['learning_rate']:g}"
