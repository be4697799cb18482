"""Whether classes take regions of unequal size in the plane, as in source 000."""

from collections.abc import Iterator

import pandas as pd

from latentgrid.verdicts.claims import Part, of_model, where
from latentgrid.verdicts.rule import Effect

CLAIM = "Some digits take small regions of the latent space in comparison with others."
SOURCE = "section 6.8.2"
MODELS = ("vae", "conv_vae", "mmd_vae")
# It says no number. By chance alone the areas of 1,000 codes each differ by a few per cent.
TWICE = 2.0


def examine(runs: pd.DataFrame) -> Iterator[Part]:
    """Ask for each model whether the largest region has more than twice the area of the smallest.

    The runs are the two-dimensional ones, as those that it draws, with the optimizer that it chose.
    """
    for model in MODELS:
        used = where(of_model(runs, model), latent_dim=2, optimizer="adam_000", planned_epochs=50)
        ratio = used.reindex(columns=["region_ratio"])["region_ratio"].dropna()
        used = used.loc[ratio.index]
        yield Part(
            f"{model}, d = 2: the largest region over the smallest",
            Effect([float(v) for v in ratio.groupby(used["seed"]).mean()], "times the area"),
            used,
            least=TWICE,
        )
