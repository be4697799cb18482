"""Whether a mixture as the prior separates the classes better, as source 002 proposes."""

from collections.abc import Iterator

import pandas as pd

from latentgrid.verdicts.claims import Part, of_model
from latentgrid.verdicts.pairs import paired
from latentgrid.verdicts.rule import Effect

CLAIM = "With a mixture of Gaussians as its prior, a variational autoencoder separates the classes \
better."
SOURCE = "002, section 5.1.2"


def examine(runs: pd.DataFrame) -> Iterator[Part]:
    """Compare silhouettes of test codes of the same dimension."""
    mixture = of_model(runs, "gmvae")
    for model in ("vae_bce", "conv5_vae", "ae"):
        other = of_model(runs, model)
        pairs = paired(mixture, other, "silhouette", ["latent_dim"])
        yield Part(f"gmvae against {model}", Effect(pairs.gained, "silhouette"), pairs.used)
