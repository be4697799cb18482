"""Whether convolutions improve source 002's variational autoencoder."""

from collections.abc import Iterator

import pandas as pd

from latentgrid.verdicts.claims import Part, of_model
from latentgrid.verdicts.pairs import paired
from latentgrid.verdicts.rule import Effect

CLAIM = "The convolutional variational autoencoder generates better digits than the dense one."
SOURCE = "002, section 4.3.3"


def examine(runs: pd.DataFrame) -> Iterator[Part]:
    """Compare how sure the judge is of images decoded from the same draws of the prior."""
    dense, convolutional = (of_model(runs, model) for model in ("vae_bce", "conv5_vae"))
    pairs = paired(convolutional, dense, "prior_confidence", ["latent_dim"])
    yield Part(
        "conv5_vae against vae_bce",
        Effect(pairs.gained, "confidence"),
        pairs.used,
        note="recognisable to a classifier, which is less than good",
    )
