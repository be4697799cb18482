"""Whether decoded draws of the prior are recognisable, as in Pérez 2022."""

from collections.abc import Iterator

import pandas as pd

from latentgrid.verdicts.claims import Part, of_model, where
from latentgrid.verdicts.pairs import paired
from latentgrid.verdicts.rule import Effect

CLAIM = "Draws of N(0, I) decode to digits with a variational autoencoder and to nothing \
recognisable with a plain one."
SOURCE = "sections 4.3.2 and 5.1.1"
# No threshold of what is recognisable was fixed beforehand.
ASKED = "only which of them is recognised more surely"
BUILT = {"hidden": [128, 500], "cross_entropy": "clipped"}  # as in study.yaml


def examine(runs: pd.DataFrame) -> Iterator[Part]:
    """Compare how sure the judge is of images decoded from the same draws.

    The note says how sure it is of either model's draws and of its reconstructions.
    """
    plain, variational = (of_model(runs, model, **BUILT) for model in ("ae", "vae_bce"))
    pairs = paired(variational, plain, "prior_confidence", ["latent_dim", "hidden"])
    yield Part(
        "vae_bce against ae",
        Effect(pairs.gained, "confidence"),
        pairs.used,
        note=levels(where(pairs.used, model="ae"), where(pairs.used, model="vae_bce")),
    )


def levels(plain: pd.DataFrame, variational: pd.DataFrame) -> str:
    """Say how sure the judge is of draws and of reconstructions, and how often right on these."""
    named = {"ae": plain, "vae_bce": variational}
    words = {
        "prior_confidence": "draws",
        "reconstruction_confidence": "reconstructions",
        "reconstruction_accuracy": "the digits of reconstructions, found right",
    }
    said = [
        f"{kind} {', '.join(f'{name} {of[measure].mean():.2f}' for name, of in named.items())}"
        for measure, kind in words.items()
        if all(measure in of and of[measure].notna().any() for of in named.values())
    ]
    if len(said) < len(words):
        return ""
    return f"{ASKED}; confidence in {'; in '.join(said[:2])}; {said[2]}"
