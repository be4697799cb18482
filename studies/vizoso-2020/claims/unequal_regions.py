"""Whether classes take regions of unequal size in the plane, as in source 000."""

from collections.abc import Iterator

import pandas as pd

from latentgrid.verdicts.claims import Part, by_seed, of_model, where
from latentgrid.verdicts.rule import Effect

CLAIM = "Some digits take small regions of the latent space in comparison with others."
SOURCE = "section 6.8.2"
RATES = {"vae": 0.0001, "conv_vae": 0.0001, "mmd_vae": 0.00075}  # that it chose, table VI.5
DRAWN = {"latent_dim": 2, "optimizer": "adam_000", "planned_epochs": 50, "batch_size": 100}
# It says no number. By chance alone the areas of 1,000 codes each differ by a few per cent.
TWICE = 2.0


def examine(runs: pd.DataFrame) -> Iterator[Part]:
    """Ask for each model whether the largest region has more than twice the area of the smallest.

    The runs are the two-dimensional ones, as those that it draws, with what else it chose.
    """
    for model, rate in RATES.items():
        drawn = where(of_model(runs, model), learning_rate=rate, **DRAWN)
        ratios = by_seed(drawn, "region_ratio")
        yield Part(
            f"{model}, d = 2: the largest region over the smallest",
            Effect([*ratios.values], "times the area"),
            ratios.used,
            least=TWICE,
            note=ratios.note,
        )
