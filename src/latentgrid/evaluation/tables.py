"""Tidy tables over all runs. A setting is an entry of `params.yaml` with one value on each axis.

Every row of every table names the runs that it was computed from: one in the column `run`, or any
number of them in the column `runs`, separated by ;.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from latentgrid.errors import UserError
from latentgrid.evaluation import ranking
from latentgrid.evaluation.intervals import half_width
from latentgrid.evaluation.measures import OF_THE_RUN
from latentgrid.files.atomic import read_json, replacing
from latentgrid.files.cells import as_cell
from latentgrid.files.layout import Layout
from latentgrid.grid import catalogue
from latentgrid.results.run_json import read_failure, read_metrics
from latentgrid.results.tables import as_planned, axes_of, joined, separated
from latentgrid.results.trained import TrainedRun

IDENTITY = ["run", "entry", "model", "seed", "planned_epochs", "batch_size", "precision"]
OUTCOME = ["status", "reason"]
ALWAYS = ["epochs", "min_train_loss", "train_loss", "test_loss", "silhouette"]


def runs_table(layout: Layout, plan: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return a row per planned run: its identity, its outcome, and every measure that is a number.

    Columns: IDENTITY, the share of images held out if there is one, the axes, OUTCOME (status is
    finished, diverged or failed), ALWAYS, then all other measures. A cell is empty if the run does
    not have the measure, or its entry the axis.

    Raises:
        UserError: a run was trained with other settings than the plan's, or on other images.
    """
    data = read_json(layout.description, "sha256")["sha256"]
    table = pd.DataFrame([_run_row(layout, planned, axes_of(plan), data) for planned in plan])
    held_out = table.columns.intersection([*catalogue.VALIDATION])
    identity = [*IDENTITY, *held_out, *axes_of(plan)]
    measures = table.columns.difference([*identity, *OUTCOME], sort=False)
    columns = dict.fromkeys([*identity, *OUTCOME, *ALWAYS, *measures])
    return table.reindex(columns=list(columns))


def _run_row(
    layout: Layout, planned: Mapping[str, Any], axes: Sequence[str], data: str
) -> dict[str, Any]:
    settings = planned["settings"]
    identity = {
        "run": planned["name"],
        "entry": planned["entry"],
        "model": settings["model"],
        **planned["axes"],
        "seed": settings["seed"],
        "planned_epochs": settings["epochs"],
        "batch_size": settings["batch_size"],
        "precision": settings["precision"],
        **{name: settings[name] for name in catalogue.VALIDATION if name in settings},
    }
    run = TrainedRun(layout.run(planned["name"]))
    if not run.ended:
        return identity | {"status": "failed", "reason": _failure(run)}
    if run.config.settings != settings:
        raise UserError(
            f"{run.files.folder} was trained with other settings than the configuration's; "
            f"delete that folder and run again"
        )
    if run.config.data_sha256 != data:
        raise UserError(
            f"{run.files.folder} was trained on other images than {layout.images} holds now; "
            f"run the same command again, which trains it again"
        )
    measured = read_metrics(run.files).columns
    if taken := sorted((measured.keys() - OF_THE_RUN) & {*identity, *axes}):
        raise UserError(
            f"{run.files.metrics}: a measure is called {', '.join(taken)}, as is an axis of the "
            f"grid; rename the measure"
        )
    return identity | {"status": "", "reason": run.outcome.reason} | measured


def _failure(run: TrainedRun) -> str:
    if run.files.failure.exists():
        return read_failure(run.files).reason
    return "the job ended without a word; see its log"


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Replace `path` by a table as CSV; a spreadsheet takes none of its texts for a formula."""
    words = table.select_dtypes(exclude="number").columns
    with replacing(path) as part:
        table.assign(**{name: table[name].map(as_cell) for name in words}).to_csv(part, index=False)


def settings_table(runs: pd.DataFrame, axes: Sequence[str]) -> pd.DataFrame:
    """Return a row per setting, with each measure's mean and deviation over the seeds.

    A column with a measure's name is its mean; `…_sd` is its standard deviation over the seeds
    (empty for one seed), and mean ± `…_ci` its 95 % interval (empty for fewer than three). `n` is
    the number of seeds that finished, and `runs` the names of their runs. All three are empty for a
    measure that one of these seeds lacks: the mean of the others would be that of the lucky ones.
    """
    finished = _finished(runs)
    finished = as_planned(finished) if "epochs" in axes else finished
    measures = [
        name
        for name in finished.columns[finished.columns.get_loc("reason") + 1 :]
        if pd.api.types.is_numeric_dtype(finished[name])
    ]
    groups = finished.groupby(["entry", "model", *axes], dropna=False, sort=False)
    counts = groups[measures].count()
    whole = counts.eq(groups.size(), axis="index")
    mean, deviation = (
        groups[measures].mean().where(whole),
        groups[measures].std(ddof=1).where(whole),
    )
    half = deviation.combine(counts, half_width)
    table = mean.join([deviation.add_suffix("_sd"), half.add_suffix("_ci")])
    table.insert(0, "n", groups.size())
    table.insert(1, "runs", groups["run"].agg(joined))
    return table.reset_index()


def best_table(settings: pd.DataFrame) -> pd.DataFrame:
    """Return the row of each entry's best setting; `best_by` says in words what makes it best.

    Only settings of which as many seeds finished as of any other compete: where seeds of a setting
    diverged, the mean of the others is that of the lucky ones.
    """
    chosen = [_best_setting(rows) for _, rows in settings.groupby("entry", sort=False)]
    table = settings.loc[[best.row.name for best in chosen]]
    table.insert(table.columns.get_loc("runs") + 1, "best_by", [best.by for best in chosen])
    return table


def _best_setting(settings: pd.DataFrame) -> ranking.Best:
    seeds = settings["n"].max()
    whole = settings[settings["n"] == seeds]
    best = ranking.best(whole)
    if len(whole) == len(settings):
        return best
    of = f"among {len(whole)} of {len(settings)} settings, those of which {seeds} seeds finished"
    return ranking.Best(best.row, f"{best.by} {of}")


def best_runs(runs: pd.DataFrame, axes: Sequence[str]) -> Iterator[ranking.Best]:
    """Yield the best run of each entry's best setting, with what makes this setting the best.

    The best of all runs may be a lucky seed of another setting. Entries of which no run finished
    are left out.
    """
    for _, setting in best_table(settings_table(runs, axes)).iterrows():
        of_setting = runs[runs["run"].isin(separated(setting["runs"]))]
        yield ranking.Best(ranking.best(of_setting).row, setting["best_by"])


def marginal_table(runs: pd.DataFrame, axes: Sequence[str]) -> pd.DataFrame:
    """Return, for each value of each axis, the mean over all other axes and seeds.

    The mean is over those other settings and seeds with which runs of all values finished: if the
    runs that diverged dropped out of one value alone, that value would lose its worst settings. A
    value of which no run finished has no mean, and does not restrict those of others.

    Columns: entry, axis, value; n, the number of runs in the mean, and runs, their names;
    unfinished, how many runs of the value diverged or failed; compared_by, the measure by which the
    entry's values on this axis are compared, empty if none compares them; mean, the mean of that
    measure; and silhouette if the model has codes. Losses are per image, in the unit of the model's
    loss. Axes on which an entry has finished runs of a single value are left out.
    """
    planned = as_planned(runs)
    rows = [
        row
        for _, of_entry in planned.groupby("entry", sort=False)
        for axis in axes
        if _finished(of_entry)[axis].nunique() > 1
        for row in _along(of_entry, axis, [other for other in axes if other != axis])
    ]
    return pd.DataFrame(rows)


def _finished(runs: pd.DataFrame) -> pd.DataFrame:
    return runs[runs["status"] == "finished"]


def _along(of_entry: pd.DataFrame, axis: str, others: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield a row of `marginal_table` for each value on an axis."""
    finished = _finished(of_entry)
    measure = ranking.measure_along(finished, axis)
    with_values = finished.groupby([*others, "seed"], dropna=False)[axis].transform("nunique")
    shared = finished[with_values == finished[axis].nunique()]
    for value, alike in of_entry.groupby(axis):
        averaged = shared[shared[axis] == value]
        row = {"entry": alike["entry"].iloc[0], "axis": axis, "value": value, "n": len(averaged)}
        row |= {"runs": joined(averaged["run"]), "unfinished": len(alike) - len(_finished(alike))}
        row["compared_by"] = measure or None
        row["mean"] = averaged[measure].mean() if measure else math.nan
        if "silhouette" in alike:
            row["silhouette"] = averaged["silhouette"].mean(skipna=False)
        yield row


def silhouettes_table(layout: Layout, runs: pd.DataFrame) -> pd.DataFrame:
    """Return a row per run and class: run, entry, class, silhouette (mean over the class)."""
    rows = []
    for run in runs[runs["status"] == "finished"].itertuples():
        metrics = read_metrics(layout.run(run.run))
        pairs = zip(
            metrics.of_classes("silhouette_classes"),
            metrics.of_classes("silhouette_by_class"),
            strict=True,
        )
        rows += [
            {"run": run.run, "entry": run.entry, "class": label, "silhouette": value}
            for label, value in pairs
        ]
    return pd.DataFrame(rows, columns=["run", "entry", "class", "silhouette"])


def history_table(layout: Layout, runs: pd.DataFrame) -> pd.DataFrame:
    """Return the histories of all runs below one another, with the run's name first."""
    histories = {
        name: TrainedRun(layout.run(name)).history
        for name in runs.loc[runs["status"] != "failed", "run"]
    }
    if not histories:
        return pd.DataFrame({"run": []})
    return pd.concat(histories, names=["run"]).reset_index("run")
