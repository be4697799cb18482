"""How well the codes of source 002's models separate the classes."""

from collections.abc import Iterator

import pandas as pd

from latentgrid.reference.facts import QUANTITIES, SILHOUETTE
from latentgrid.verdicts.claims import Part, of_model
from latentgrid.verdicts.pairs import paired
from latentgrid.verdicts.rule import Effect

CLAIM = "A variational autoencoder separates the classes no better than a plain autoencoder."
SOURCE = "002, sections 4.4.2 and 5.1.2"


def examine(runs: pd.DataFrame) -> Iterator[Part]:
    """Compare silhouettes of test codes of the same dimension.

    "No better" means: by no more than the tolerance for silhouettes.
    """
    plain = of_model(runs, "ae")
    for model in ("vae_bce", "conv5_vae"):
        variational = of_model(runs, model)
        pairs = paired(plain, variational, "silhouette", ["latent_dim"])
        yield Part(
            f"ae against {model}",
            Effect(pairs.gained, "silhouette"),
            pairs.used,
            least=-QUANTITIES[SILHOUETTE].absolute,
        )
