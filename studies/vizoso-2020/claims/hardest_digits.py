"""Which digits source 000's models keep apart the least in the plane."""

from collections.abc import Iterator

import pandas as pd

from latentgrid.verdicts.claims import Part, of_classes, of_model, where
from latentgrid.verdicts.rule import Effect

CLAIM = "All three models have difficulties in separating the digits 8 and 9, more than 0 and 1."
SOURCE = "section 6.8.2"
MODELS = ("vae", "conv_vae", "mmd_vae")
HARD, EASY = (8, 9), (0, 1)


def examine(runs: pd.DataFrame) -> Iterator[Part]:
    """Compare the silhouettes of classes in the two-dimensional runs, as those that it draws.

    The claim names the hardest digits, so they are set beside each of the others too: the effect is
    then the smallest silhouette of another digit less the larger of the two.
    """
    for model in MODELS:
        used = where(of_model(runs, model), latent_dim=2, optimizer="adam_000", planned_epochs=50)
        table = of_classes(used, "silhouette")
        others = [digit for digit in table if digit not in HARD]
        known = table if set(HARD + EASY) <= set(table) else table.head(0)
        hard = known.reindex(columns=HARD)
        effects = {
            "8 and 9 against 0 and 1": known.reindex(columns=EASY).mean(axis=1) - hard.mean(axis=1),
            "8 and 9 against the hardest other": known[others].min(axis=1) - hard.max(axis=1),
        }
        for subject, effect in effects.items():
            yield Part(
                f"{model}, d = 2: {subject}",
                Effect([float(v) for v in effect.groupby(used["seed"]).mean()], "silhouette"),
                used.loc[known.index],
            )
