"""What a claim's file works with: the runs it may compare, and the parts that it yields.

Such a file has CLAIM, what the source says; SOURCE, where it says so; and `examine(runs)`, which
gets the table of finished runs and yields a `Part` for each comparison, with an effect that is
positive where the claim holds. Claims that compare two settings need no file: they stand in
study.yaml.
"""

from dataclasses import dataclass

import pandas as pd

from latentgrid.results.run_json import OF_CLASS
from latentgrid.verdicts.networks import as_built, settings_of
from latentgrid.verdicts.pairs import paired
from latentgrid.verdicts.rule import Effect
from latentgrid.verdicts.training import TRAINING

OF_LOSS = "% of the loss"


@dataclass(frozen=True)
class Part:
    """One comparison by which a claim is answered.

    Attributes:
        subject: what is compared with what.
        effect: how strongly the claim holds; without values if there are no such runs.
        used: the compared runs.
        least: what the effect must exceed.
        note: what else a reader should know.
        open: why no run can answer it; empty if runs can.
    """

    subject: str
    effect: Effect
    used: pd.DataFrame
    least: float = 0.0
    note: str = ""
    open: str = ""


def of_model(runs: pd.DataFrame, *models: str, **stated: object) -> pd.DataFrame:
    """Return the runs of some models that use the networks of their sources (`as_built`).

    A hyperparameter that is not stated, as a value or a list of allowed ones, has its default.
    """
    return pd.concat([as_built(runs, model, stated) for model in models])


def where(runs: pd.DataFrame, **values: object) -> pd.DataFrame:
    """Return the runs with these values in these columns; none where a column is missing."""
    for column, value in values.items():
        runs = runs[runs[column] == value] if column in runs else runs.head(0)
    return runs


@dataclass(frozen=True)
class BySeed:
    """A measure of one kind of runs by seed.

    Attributes:
        values: by seed, the mean over its settings.
        used: the runs that it is of.
        note: over how many of the settings the mean is, and without which; "" if over all.
    """

    values: "pd.Series[float]"
    used: pd.DataFrame
    note: str


def by_seed(runs: pd.DataFrame, measure: str) -> BySeed:
    """Return a measure by seed, from runs that were trained alike.

    It is averaged over the settings that all of these seeds have, as in `paired`: each run is
    paired with itself.
    """
    own = [name for name in settings_of(runs) if name not in TRAINING]
    pairs = paired(runs, runs, measure, own)
    return BySeed(pairs.table.groupby("seed")["first"].mean(), pairs.used, pairs.note)


def with_recognised(runs: pd.DataFrame, measure: str, classes: int) -> pd.DataFrame:
    """Return the runs with a column `recognised`: how far images are from nothing to the data.

    It is 0 where a judge's confidence, `measure`, is 1/classes, as if it told no class from
    another, and 1 where it is as sure as of the same run's reconstructions of real images, and
    linear between. So where each image is either of these two, it is the share of the latter. A
    judge is seldom as unsure of nonsense as that (controls.csv has its word on noise): it errs
    upwards.
    """
    known = {measure, "reconstruction_confidence"} <= set(runs)
    runs = runs if known else runs.head(0).assign(**{measure: [], "reconstruction_confidence": []})
    of_images, of_real = (
        runs[name] - 1 / classes for name in (measure, "reconstruction_confidence")
    )
    return runs.assign(recognised=of_images / of_real.where(of_real > 0))


def of_classes(runs: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Return a measure of each class, a column a class and a row a run that has all of them.

    The measure is `silhouette`; records of older versions do not hold it by class.
    """
    start = f"{measure}{OF_CLASS}"
    named = {name: int(name.removeprefix(start)) for name in runs if str(name).startswith(start)}
    return runs[list(named)].rename(columns=named).dropna()
