"""The best latent dimension of source 000, with and without its constant."""

from collections.abc import Iterator

import pandas as pd

from latentgrid.verdicts.claims import OF_LOSS, Part, of_000, where
from latentgrid.verdicts.claims.best_configuration import LEARNING_RATE, scales
from latentgrid.verdicts.pairs import paired
from latentgrid.verdicts.rule import Effect

CLAIM = "With 20 latent dimensions the loss is smaller than with 50."
SOURCE = "000, section 6.7"
ALIKE = ["optimizer", "learning_rate"]


def examine(runs: pd.DataFrame) -> Iterator[Part]:
    """Compare d = 20 with d = 50, over all settings that differ in nothing else.

    On the published scale, ½·(n − 1)·d is added to each batch loss of n images. That alone makes
    d = 50 worse; the corrected scale does not have it.
    """
    for model in LEARNING_RATE:
        of_20, of_50 = (where(of_000(runs, model), latent_dim=d) for d in (20, 50))
        for measure, scale in scales(model):
            pairs = paired(of_20, of_50, measure, ALIKE)
            yield Part(
                f"{model}, {scale}: d = 20 against 50",
                Effect(pairs.saved, OF_LOSS),
                pairs.used,
            )
