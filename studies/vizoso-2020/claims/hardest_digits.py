"""Which digits source 000's models keep apart the least in the plane."""

from collections.abc import Iterator

import pandas as pd

from latentgrid.verdicts.claims import Part, by_seed, of_classes, of_model, where
from latentgrid.verdicts.rule import Effect

CLAIM = (
    "All three models have difficulties in separating the digits 8 and 9, whose regions are not \
as well defined as those of 0 and 1."
)
SOURCE = "section 6.8.2"
RATES = {"vae": 0.0001, "conv_vae": 0.0001, "mmd_vae": 0.00075}  # that it chose, table VI.5
DRAWN = {"latent_dim": 2, "optimizer": "adam_000", "planned_epochs": 50, "batch_size": 100}
HARD, EASY = (8, 9), (0, 1)


def examine(runs: pd.DataFrame) -> Iterator[Part]:
    """Compare the silhouettes of classes in the two-dimensional runs, as those that it draws.

    Both 8 and 9 must be harder than either of 0 and 1, so that the effect is the smaller silhouette
    of the latter less the larger one of the former.
    """
    for model, rate in RATES.items():
        drawn = where(of_model(runs, model), learning_rate=rate, **DRAWN)
        table = of_classes(drawn, "silhouette").reindex(columns=[*HARD, *EASY]).dropna()
        apart = table[[*EASY]].min(axis=1) - table[[*HARD]].max(axis=1)
        of_seeds = by_seed(drawn.loc[table.index].assign(apart=apart), "apart")
        yield Part(
            f"{model}, d = 2: 8 and 9 against 0 and 1",
            Effect([*of_seeds.values], "silhouette"),
            of_seeds.used,
            note=of_seeds.note,
        )
