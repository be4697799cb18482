"""Whether a Gaussian fitted to codes draws good images, as the study says it does not."""

from collections.abc import Iterator

import pandas as pd

from latentgrid.verdicts.claims import Part, by_seed, of_model, where, with_recognised
from latentgrid.verdicts.rule import Effect

CLAIM = "A Gaussian fitted to the codes of an autoencoder draws bad digits."
SOURCE = "«Generación»"
DIMENSIONS = (16, 32)  # those that it draws
# It says no number, and shows three rows of draws at each dimension. They are bad if one in four is
# lost: as if the judge saw nothing in that one, and took the others for as good as reconstructions.
# Fixed before any such run was judged.
LOST = 0.25


def examine(runs: pd.DataFrame) -> Iterator[Part]:
    """Ask, in each run, how far decoded draws fall short of reconstructions."""
    runs = with_recognised(runs, "fitted_confidence", classes=10)
    for dimension in DIMENSIONS:
        of_dimension = where(of_model(runs, "conv_ae"), latent_dim=dimension)
        share = by_seed(of_dimension, "recognised")
        yield Part(
            f"conv_ae, d = {dimension}: draws, from reconstructions to nothing",
            Effect([1 - one for one in share.values], "of the way"),
            share.used,
            least=LOST,
            note=share.note,
        )
