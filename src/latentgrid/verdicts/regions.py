"""Searches settings that give published numbers whose settings were not published."""

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from latentgrid.evaluation.measures.silhouette import silhouette
from latentgrid.files.layout import Layout
from latentgrid.results.tables import joined
from latentgrid.results.trained import TestSet, TrainedRun
from latentgrid.studies.numbers import Number
from latentgrid.studies.schema import Open
from latentgrid.studies.study import Study
from latentgrid.verdicts.networks import as_built

SILHOUETTE = "silhouette"
COLUMNS = [
    *(
        "study",
        "table",
        "model",
        "run",
        "seed",
        "hidden",
        "latent_dim",
        "optimizer",
        "learning_rate",
    ),
    *("batch_size", "epoch", "published", "ours", "near"),
]


def table(
    layout: Layout, studies: Sequence[Study], runs: pd.DataFrame, test: TestSet
) -> pd.DataFrame:
    """Return a row for each under-specified silhouette, run of its model, and epoch.

    The epochs are those with a snapshot. `ours` is the silhouette of the test codes after that
    epoch, and `near` whether it lies within the tolerance of the published one. The runs are those
    that use the model as the study builds it (`as_built`); their hidden units, latent dimension and
    training may differ. Only silhouettes are searched, as snapshots hold the codes of each epoch.
    """
    finished = runs[runs["status"] == "finished"]
    rows = [
        row
        for study in studies
        for number in study.numbers
        if _is_searched(study, number)
        for _, run in as_built(finished, str(number.ours)).iterrows()
        for row in _over_epochs(TrainedRun(layout.run(run["run"])), study, number, run, test)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _is_searched(study: Study, number: Number) -> bool:
    stated = study.facts.tables[number.table]
    measure = study.quantity(number).measure
    return stated.open is Open.UNDER_SPECIFIED and number.ours is not None and measure == SILHOUETTE


def _over_epochs(
    run: TrainedRun, study: Study, number: Number, row: pd.Series, test: TestSet
) -> Iterator[dict[str, Any]]:
    near = study.quantity(number).tolerance(number.value)
    kept = [name for name in COLUMNS if name in row]
    for epoch, codes in run.over_epochs("codes").items():
        ours = silhouette(codes[: len(test.labels)], test.labels).get("silhouette")
        if epoch > 0 and ours is not None:
            yield {
                **row[kept],
                "study": study.name,
                "table": number.table,
                "epoch": epoch,
                "published": number.value,
                "ours": ours,
                "near": abs(ours - number.value) <= near,
            }


def summary(regions: pd.DataFrame) -> pd.DataFrame:
    """Return a row per published silhouette: how many points were searched, and which are near it.

    A point is a row of `table`. Columns: study, table, model, published; points, their number;
    smallest and largest of `ours`; met, the number of points near the published value; region, the
    ranges of hidden units, latent dimension and epochs of these, in words; and runs, the names of
    all runs that were searched.
    """
    keys = ["study", "table", "model", "published"]
    rows = []
    for values, points in regions.groupby(keys, sort=False):
        met = points[points["near"]]
        rows.append(
            dict(zip(keys, values, strict=True))
            | {"points": len(points), "smallest": points["ours"].min()}
            | {"largest": points["ours"].max(), "met": len(met), "region": _words(met)}
            | {"runs": joined(points["run"])}
        )
    return pd.DataFrame(
        rows, columns=[*keys, "points", "smallest", "largest", "met", "region", "runs"]
    )


def _words(met: pd.DataFrame) -> str:
    named = {"hidden": "hidden units", "latent_dim": "d", "epoch": "epochs"}
    ranges = []
    for column, name in named.items():
        values = sorted(met[column].dropna().unique())
        if values:
            low, high = values[0], values[-1]
            ranges.append(f"{name} {low:.0f}" + (f" to {high:.0f}" if high > low else ""))
    return ", ".join(ranges)
