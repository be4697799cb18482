"""Searches settings that give published numbers whose settings were not published."""

from collections.abc import Iterator, Sequence

import pandas as pd

from latentgrid.evaluation.measures.silhouette import silhouette
from latentgrid.files.layout import Layout
from latentgrid.results.tables import joined
from latentgrid.results.trained import TestSet, TrainedRun
from latentgrid.studies.numbers import Number
from latentgrid.studies.schema import Open
from latentgrid.studies.study import Study
from latentgrid.verdicts.evidence import Evidence
from latentgrid.verdicts.networks import as_built, once

SILHOUETTE = "silhouette"
OF_A_RUN = (
    *("model", "run", "seed", "hidden", "latent_dim", "optimizer", "learning_rate", "batch_size"),
)
COLUMNS = ["study", "table", "quantity", *OF_A_RUN, "epoch", "published", "ours", "near"]


def table(
    layout: Layout, studies: Sequence[Study], evidence: Evidence, test: TestSet
) -> pd.DataFrame:
    """Return a row for each under-specified number, run of its model, and epoch.

    `ours` is the value of the quantity, and `near` whether it lies within the tolerance of the
    published one. For silhouettes, the epochs are those whose codes a snapshot holds; for other
    quantities there is only the trained model. The runs are those that use the model as the study
    builds it (`as_built`); what it leaves open and how they were trained may differ.
    """
    finished = evidence.runs[evidence.runs["status"] == "finished"]
    rows = [
        {
            "study": study.name,
            "table": number.table,
            "quantity": number.quantity,
            "published": number.value,
            **run[[name for name in OF_A_RUN if name in run]],
            "epoch": epoch,
            "ours": ours,
            "near": abs(ours - number.value) <= study.quantity(number).tolerance(number.value),
        }
        for study in studies
        for number in study.numbers
        if _is_searched(study, number)
        for run, epoch, ours in _points(layout, study, number, evidence, finished, test)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _is_searched(study: Study, number: Number) -> bool:
    stated = study.facts.tables[number.table]
    measured = study.quantity(number).measure is not None
    return stated.open is Open.UNDER_SPECIFIED and number.ours is not None and measured


def _points(
    layout: Layout,
    study: Study,
    number: Number,
    evidence: Evidence,
    finished: pd.DataFrame,
    test: TestSet,
) -> Iterator[tuple[pd.Series, int, float]]:
    """Yield each run of a number's model with an epoch and the value of the quantity after it.

    A run and its record are one, the first of them that has a value.
    """
    model, quantity = str(number.ours), study.quantity(number)
    runs = as_built(finished, model, study.built(model))
    values = evidence.values(quantity, runs)
    files = runs["run"].map(layout.run)
    has_epochs = files.map(lambda of: quantity.measure == SILHOUETTE and of.snapshots.is_file())
    for name, run in once(runs[has_epochs.astype(bool) | values.notna()]).iterrows():
        if has_epochs[name]:
            for epoch, ours in _silhouettes(TrainedRun(files[name]), test):
                yield run, epoch, ours
        else:
            yield run, int(run["epochs"]), float(values[name])


def _silhouettes(run: TrainedRun, test: TestSet) -> Iterator[tuple[int, float]]:
    """Yield the silhouette of the test codes after each epoch that has a snapshot."""
    for epoch, codes in run.over_epochs("codes").items():
        ours = silhouette(codes[: len(test.labels)], test.labels).get("silhouette")
        if epoch > 0 and ours is not None:
            yield epoch, ours


def summary(regions: pd.DataFrame) -> pd.DataFrame:
    """Return a row per published number: how many points were searched, and which are near it.

    A point is a row of `table`. Columns: study, table, quantity, model, published; points, their
    number; smallest and largest of `ours`; met, the number of points near the published value;
    region, the ranges of hidden units, latent dimension and epochs of these, in words; and runs,
    the names of all runs that were searched.
    """
    keys = ["study", "table", "quantity", "model", "published"]
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
