"""One file a claim of the sources.

Each has CLAIM, what is said; SOURCE, where; and `examine(runs)`, which looks at the table of
finished runs and yields, for each of its parts, who is compared and the effect: positive where the
claim holds.
"""

from dataclasses import dataclass

import pandas as pd

from latentgrid.evaluation.tables import as_000_ran
from latentgrid.verdicts.networks import as_built
from latentgrid.verdicts.rule import Effect

OF_LOSS = "% of the loss"


@dataclass(frozen=True)
class Part:
    """One comparison that a claim stands on.

    Attributes:
        subject: what is compared with what.
        effect: how far the claim holds; without values where no such runs are there.
        used: the runs that were compared.
        least: what the effect must exceed.
        note: what a reader should know besides.
    """

    subject: str
    effect: Effect
    used: pd.DataFrame
    least: float = 0.0
    note: str = ""


def of_model(runs: pd.DataFrame, *models: str) -> pd.DataFrame:
    """Return the runs of some models as their sources build them."""
    return pd.concat([as_built(runs, model) for model in models])


def of_000(runs: pd.DataFrame, *models: str) -> pd.DataFrame:
    """Return the runs of models of source 000 that were trained as it did, with its names.

    Its Adam is `adam_000` here and gets the name `adam`; plain `adam` is left out.
    """
    return as_000_ran(of_model(runs, *models))


def where(runs: pd.DataFrame, **values: object) -> pd.DataFrame:
    """Return the runs with these values in these columns; none where a column is missing."""
    for column, value in values.items():
        runs = runs[runs[column] == value] if column in runs else runs.head(0)
    return runs
