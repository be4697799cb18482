"""Whether a Gaussian fitted to codes draws good images, as the study says it does not."""

from collections.abc import Iterator

import pandas as pd

from latentgrid.verdicts.claims import Part, of_model, where
from latentgrid.verdicts.rule import Effect

CLAIM = "A Gaussian fitted to the codes of an autoencoder draws no good digits."
SOURCE = "«Generación»"


def examine(runs: pd.DataFrame) -> Iterator[Part]:
    """Compare, in each run, how sure the judge is of reconstructions and of decoded draws."""
    for dimension in (16, 32):
        used = where(of_model(runs, "conv_ae"), latent_dim=dimension)
        columns = ["reconstruction_confidence", "fitted_confidence"]
        judged = used.reindex(columns=columns).dropna()
        lost = judged[columns[0]] - judged[columns[1]]
        yield Part(
            f"conv_ae, d = {dimension}: reconstructions against draws",
            Effect([float(v) for v in lost.groupby(used["seed"]).mean()], "confidence"),
            used.loc[judged.index],
        )
