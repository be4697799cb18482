"""Whether decoded draws of the prior are recognisable, as in Pérez 2022."""

from collections.abc import Iterator

import pandas as pd

from latentgrid.verdicts.claims import Part, by_seed, of_model, where, with_recognised
from latentgrid.verdicts.pairs import paired
from latentgrid.verdicts.rule import Effect

CLAIM = (
    "Draws of N(0, I) decode to images like the data with a variational autoencoder, and almost \
never with a plain one."
)
SOURCE = "sections 4.3.2 and 5.1.1"
BUILT = {"hidden": [128, 500], "cross_entropy": "clipped"}  # as in study.yaml
# Its dimension was not published. It draws the codes by t-SNE, so that there are more than three.
DIMENSIONS = (5, 10, 20, 50)
# It says no number. Draws that are nearer to reconstructions than to nothing are like the data,
# others are not: the half that a control asks of the judge too, on permuted pixels.
HALF = 0.5
SAID = {"vae_bce": ("like the data", 1, "past"), "ae": ("not like the data", -1, "short of")}


def examine(runs: pd.DataFrame) -> Iterator[Part]:
    """Ask of each model and dimension how recognisable draws are, and of which they are more so.

    Models are compared by images decoded from the same draws.
    """
    runs = with_recognised(runs, "prior_confidence", classes=10)
    known = runs[runs["latent_dim"].isin(DIMENSIONS)] if "latent_dim" in runs else runs.head(0)
    of = {model: of_model(known, model, **BUILT) for model in SAID}
    for dimension in DIMENSIONS:
        for model, (said, sign, side) in SAID.items():
            share = by_seed(where(of[model], latent_dim=dimension), "recognised")
            at = f"they are {share.values.mean():.2f} of the way from nothing to reconstructions"
            yield Part(
                f"{model}, d = {dimension}: draws are {said}",
                Effect([sign * (one - HALF) for one in share.values], f"of the way {side} half"),
                share.used,
                note="; ".join(filter(None, (at, share.note))) if len(share.values) else "",
            )
    pairs = paired(of["vae_bce"], of["ae"], "prior_confidence", ["latent_dim", "hidden"])
    effect = Effect(pairs.gained, "confidence")
    yield Part("vae_bce against ae", effect, pairs.used, note=pairs.note)
