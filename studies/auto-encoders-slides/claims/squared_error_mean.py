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
MEASURES = ["restored_spread", "restored_slope"]


def examine(runs: pd.DataFrame) -> Iterator[Part]:
    """Ask whether restored images vary less than clean ones, and as their mean would.

    Images drawn from the possible ones would vary as much as clean ones, and the slope of clean
    images on them would be below 1.
    """
    for corruption in CORRUPTIONS:
        of_corruption = of_model(runs, "dae", corruption=corruption)
        (spread, used), (slope, _) = (by_seed(of_corruption, measure) for measure in MEASURES)
        yield Part(
            f"dae, {corruption}: how much less its answers vary than clean images",
            Effect([float(value) for value in 1 - spread], "of their variance"),
            used,
        )
        yield Part(
            f"dae, {corruption}: by how much the slope of clean images on answers is within "
            f"{TOLERATED} of 1",
            Effect([float(value) for value in TOLERATED - (slope - 1).abs()], "slope"),
            used,
        )
