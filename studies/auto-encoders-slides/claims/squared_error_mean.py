"""Whether the squared error answers with the mean of several answers, as source 003 says."""

from collections.abc import Iterator

import pandas as pd

from latentgrid.verdicts.claims import Part, by_seed, of_model
from latentgrid.verdicts.rule import Effect

CLAIM = "Where several clean images are possible, the squared error's answer is their mean, and \
hardly ever one of them."
SOURCE = "«Denoising Auto-encoders», «Múltiples soluciones»"
CORRUPTIONS = ("block", "pixels_90")
TOLERATED = 0.1  # how far the slope of a mean may lie from 1: few images are compared


def examine(runs: pd.DataFrame) -> Iterator[Part]:
    """Ask whether restored images vary less than clean ones, and as their mean would.

    Images drawn from the possible ones would vary as much as clean ones, and the slope of clean
    images on them would be below 1.
    """
    for corruption in CORRUPTIONS:
        of_corruption = of_model(runs, "dae", corruption=corruption)
        spread = by_seed(of_corruption, "restored_spread")
        yield Part(
            f"dae, {corruption}: how much less its answers vary than clean images",
            Effect([*(1 - spread.values)], "of their variance"),
            spread.used,
            note=spread.note,
        )
        within = by_seed(_within(of_corruption), "within")
        yield Part(
            f"dae, {corruption}: by how much the slope of clean images on answers is within "
            f"{TOLERATED} of 1",
            Effect([*within.values], "slope"),
            within.used,
            note=within.note,
        )


def _within(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs with a column `within`: by how much each one's slope is within of 1.

    It is of each run, as the mean of slopes may be 1 where none of them is.
    """
    slope = runs.reindex(columns=["restored_slope"])["restored_slope"].astype(float)
    return runs.assign(within=TOLERATED - (slope - 1).abs())
