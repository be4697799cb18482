"""Quality control: flags for what is not as it should be, each with the rule that raised it."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import pandas as pd

from latentgrid.evaluation.measures import OF_THE_RUN
from latentgrid.grid import catalogue
from latentgrid.results.labels import percent, percent_beside
from latentgrid.results.run_json import FINISHED
from latentgrid.results.tables import joined
from latentgrid.results.trained import TrainedRun
from latentgrid.text import number

OUT_OF_REACH = "out of reach"  # the verdict, in verdicts.csv
COLUMNS = ["flag", "where", "found", "rule", "runs"]
MOST_MISSING = 0.1
PARTS = 5  # the last of so many equal parts of a training is compared with the whole
STEEP = 0.5  # of the mean rate of a fall
FEWEST_RUNS = 3  # that must have a measure before it is called constant
# What is no measure, or may well be the same for all runs, and needs no control.
CHOSEN = frozenset({"likelihood_images", "likelihood_draws", "best_epoch"})


class Kind(StrEnum):
    """What a flag says."""

    OUTSIDE = "outside its control"
    UNCONTROLLED = "without a control"
    CUT_SHORT = "cut short"
    FALLING = "still falling"
    SNAPSHOTS = "snapshots missing"
    MISSING = "too much missing"
    CONSTANT = "constant"


@dataclass(frozen=True)
class Flag:
    """Something that is not as it should be.

    Attributes:
        flag: what it is.
        where: the measure, the table or the run.
        found: what was found there.
        rule: what should have been found.
        runs: the names of the runs that it concerns, as a cell of the column `runs`.
    """

    flag: Kind
    where: str
    found: str
    rule: str
    runs: str


def table(
    controls: pd.DataFrame,
    runs: pd.DataFrame,
    history: pd.DataFrame,
    verdicts: pd.DataFrame,
    trained: dict[str, TrainedRun],
) -> pd.DataFrame:
    """Return a row for each flag, in the columns COLUMNS.

    Args:
        controls, runs, history, verdicts: the tables of these names.
        trained: the runs that have a result, by their names.
    """
    found = [
        *outside(controls),
        *uncontrolled(controls, runs, history),
        *cut_short(runs),
        *falling(runs, history),
        *snapshots_missing(trained),
        *results_missing(runs),
        *measures_missing(runs),
        *published_missing(verdicts),
        *constant(runs),
    ]
    return pd.DataFrame([asdict(flag) for flag in found], columns=COLUMNS)


def outside(controls: pd.DataFrame) -> Iterator[Flag]:
    """Flag each control whose value lies outside its range."""
    for _, row in controls[controls["inside"] != "yes"].iterrows():
        expected = f"{number(row['expected_low'])} to {number(row['expected_high'])}"
        found = f"{row['case']}: {number(row['value'])}, expected {expected}"
        runs = row["runs"] if isinstance(row["runs"], str) else ""
        yield Flag(Kind.OUTSIDE, row["measure"], found, row["why"], runs)


def uncontrolled(
    controls: pd.DataFrame, runs: pd.DataFrame, history: pd.DataFrame
) -> Iterator[Flag]:
    """Flag each measure of a run that has no control: one of a plugin that brings none.

    A column of the history is a mean over images as `test_loss` is, and stands under its controls.
    """
    known = {*controls["measure"], *CHOSEN, *history.columns}
    known |= {f"{name}_se" for name in known}
    rule = "each measure has a control; a plugin's brings it as controls() in its file"
    for name in measures_of(runs):
        if name not in known:
            yield Flag(Kind.UNCONTROLLED, name, "nothing says what it should be", rule, "")


def measures_of(runs: pd.DataFrame) -> list[str]:
    """Return the columns of the table of runs that hold measures."""
    after = runs.columns[runs.columns.get_loc("reason") + 1 :]
    numeric = (name for name in after if pd.api.types.is_numeric_dtype(runs[name]))
    return [name for name in numeric if name not in OF_THE_RUN and runs[name].notna().any()]


def cut_short(runs: pd.DataFrame) -> Iterator[Flag]:
    """Flag each run that diverged, failed, or trained for fewer epochs than planned."""
    rule = "a run finishes the epochs that were planned, if it has no patience"
    for _, run in runs.iterrows():
        epochs = 0 if pd.isna(run["epochs"]) else int(run["epochs"])
        done = f"{epochs} of {run['planned_epochs']} epochs"
        if run["status"] != FINISHED:
            reason = f", {run['reason']}" if isinstance(run["reason"], str) else ""
            yield _of_run(Kind.CUT_SHORT, run, f"{run['status']} after {done}{reason}", rule)
        elif epochs < run["planned_epochs"] and pd.isna(run.get("patience")):
            yield _of_run(Kind.CUT_SHORT, run, done, rule)


def falling(runs: pd.DataFrame, history: pd.DataFrame) -> Iterator[Flag]:
    """Flag each finished run whose training loss still falls steeply at its end.

    Half the mean rate of the fall is steep. Runs of fewer epochs than five say nothing, nor do
    losses that do not rank runs.
    """
    rule = (
        f"in the last fifth of the epochs the training loss falls at {percent(STEEP)} of the mean "
        "rate of its fall at most"
    )
    ended = runs[runs["status"] == FINISHED].set_index("run", drop=False)
    for name, epochs in history.groupby("run", sort=False):
        if name not in ended.index or not catalogue.said(ended.at[name, "model"], "loss_ranks"):
            continue
        steepness = last_steepness(epochs["train_loss"].tolist())
        if steepness > STEEP:
            rate = percent_beside(steepness, STEEP)
            found = f"{rate} of that rate in the last fifth of its {len(epochs)} epochs"
            yield _of_run(Kind.FALLING, ended.loc[name], found, rule)


def last_steepness(losses: list[float]) -> float:
    """Return the rate at which a loss fell in the last fifth of its epochs, over its mean rate.

    It is 1 for an even fall: n epochs have n − 1 steps from one to the next, and the last k of them
    bring k / (n − 1) of it. It is 0 for fewer than five epochs, and for a loss that did not fall.
    """
    last = len(losses) // PARTS
    whole = losses[0] - losses[-1]
    if not last or whole <= 0:
        return 0.0
    return (losses[-1 - last] - losses[-1]) / last / (whole / (len(losses) - 1))


def snapshots_missing(trained: dict[str, TrainedRun]) -> Iterator[Flag]:
    """Flag each run that lacks snapshots after one of its chosen epochs."""
    rule = "each chosen epoch, and the last one, has the snapshots that the other ones have"
    for name, run in trained.items():
        last = run.outcome.epochs
        chosen = {epoch for epoch in run.config.settings["snapshots"]["epochs"] if epoch <= last}
        there = run.snapshot_names()
        every = frozenset[str]().union(*there.values())
        gaps = sorted(epoch for epoch in chosen | {last} if every - there.get(epoch, frozenset()))
        if gaps:
            found = f"none or not all after {_epochs(gaps)}"
            yield Flag(Kind.SNAPSHOTS, name, found, rule, name)


def results_missing(runs: pd.DataFrame) -> Iterator[Flag]:
    """Flag the table of runs if too many of them have no result."""
    lost = runs["status"] != FINISHED
    rule = f"at most {percent(MOST_MISSING)} of the planned runs are without a usable result"
    if lost.mean() > MOST_MISSING:
        found = _share(int(lost.sum()), len(runs), "runs have none")
        yield Flag(Kind.MISSING, "runs.csv", found, rule, joined(runs.loc[lost, "run"]))


def measures_missing(runs: pd.DataFrame) -> Iterator[Flag]:
    """Flag each measure that some finished runs of an entry have and too many lack."""
    rule = (
        f"of a measure that an entry's runs have, at most {percent(MOST_MISSING)} of them lack it"
    )
    names = measures_of(runs)
    for entry, alike in runs[runs["status"] == FINISHED].groupby("entry", sort=False):
        for name in names:
            lost = alike[name].isna()
            if MOST_MISSING < lost.mean() < 1:
                found = _share(int(lost.sum()), len(alike), f"runs of {entry} lack it")
                where = f"runs.csv, {name}"
                yield Flag(Kind.MISSING, where, found, rule, joined(alike.loc[lost, "run"]))


def published_missing(verdicts: pd.DataFrame) -> Iterator[Flag]:
    """Flag each published table of which some numbers have a run and too many have none.

    Numbers out of reach, which no run can have, are not counted.
    """
    most = percent(MOST_MISSING)
    rule = f"of a published table that has runs, at most {most} of the numbers lack one"
    within_reach = verdicts[verdicts["verdict"] != OUT_OF_REACH]
    for (study, name), rows in within_reach.groupby(["study", "table"], sort=False):
        lost = rows["n"] == 0
        if MOST_MISSING < lost.mean() < 1:
            found = _share(int(lost.sum()), len(rows), "published numbers have no run")
            where = f"verdicts.csv, {study}, table {name}"
            yield Flag(Kind.MISSING, where, found, rule, "")


def constant(runs: pd.DataFrame) -> Iterator[Flag]:
    """Flag each measure that has one value for all runs: it tells none from another."""
    rule = f"a measure that {FEWEST_RUNS} finished runs or more have differs between some of them"
    finished = runs[runs["status"] == FINISHED]
    for name in measures_of(finished):
        having = finished[finished[name].notna()]
        if name not in CHOSEN and len(having) >= FEWEST_RUNS and having[name].nunique() == 1:
            found = f"{number(float(having[name].iloc[0]))} for all {len(having)} runs"
            yield Flag(Kind.CONSTANT, name, found, rule, joined(having["run"]))


def _of_run(kind: Kind, run: "pd.Series[Any]", found: str, rule: str) -> Flag:
    return Flag(kind, run["run"], found, rule, run["run"])


def _share(some: int, of: int, what: str) -> str:
    return f"{some} of {of} {what} ({percent_beside(some / of, MOST_MISSING)})"


def _epochs(epochs: list[int]) -> str:
    return f"epoch{'' if len(epochs) == 1 else 's'} {', '.join(map(str, epochs))}"
