"""How much less a convolutional autoencoder loses than PCA in source 003."""

from collections.abc import Iterator

import pandas as pd

from latentgrid.verdicts.claims import Part, of_model, where
from latentgrid.verdicts.pairs import paired
from latentgrid.verdicts.rule import Effect

CLAIM = "At the same dimension a convolutional autoencoder reconstructs better than PCA."
SOURCE = "003, «Auto-encoders»"


def examine(runs: pd.DataFrame) -> Iterator[Part]:
    """Compare the squared error of the test images, dimension by dimension."""
    for dimension in (2, 4, 8, 16, 32):
        convolutional, linear = (
            where(of_model(runs, model), latent_dim=dimension) for model in ("conv_ae", "pca")
        )
        pairs = paired(convolutional, linear, "test_squared_error")
        yield Part(
            f"conv_ae against pca, d = {dimension}",
            Effect(pairs.saved, "% of the squared error"),
            pairs.used,
        )
