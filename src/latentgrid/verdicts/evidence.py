"""What verdicts stand on: the table of runs and records, their histories, and the data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import pandas as pd

from latentgrid.evaluation import records
from latentgrid.files.layout import Layout
from latentgrid.grid import catalogue
from latentgrid.results.run_json import OF_CLASS
from latentgrid.results.tables import read_table
from latentgrid.stamps import made
from latentgrid.studies.collection import read_records
from latentgrid.studies.expressions import evaluate, names_in
from latentgrid.studies.schema import Quantity
from latentgrid.studies.study import Study
from latentgrid.training.validation import trained_on
from latentgrid.verdicts import measuring
from latentgrid.verdicts.networks import COLUMNS


@dataclass(frozen=True)
class Evidence:
    """Runs and records by which published numbers and claims are judged.

    Attributes:
        runs: a row a run, in the columns of runs.csv and those of silhouettes.csv by class; those
            of records have `hours` too, how long the training took. Where there are records, all
            have the columns that say by what a run was measured (`measuring.EVERY`).
        history: a row a run and epoch: the run's name and the columns of its history.
        of_data: `images`, the number of training images of the data set, held out ones among them,
            and `pixels` of an image.
    """

    runs: pd.DataFrame
    history: pd.DataFrame
    of_data: Mapping[str, int]

    def values(self, quantity: Quantity, runs: pd.DataFrame) -> "pd.Series[float]":
        """Return the values of a published quantity in some runs, missing where not measured.

        The measure is taken from the run's history at the epoch that the quantity names, or else
        from the measures of the trained model, and is multiplied by the quantity's scale.
        """
        measured = self._at_epoch(quantity, runs) if quantity.epoch else _column(runs, quantity)
        return measured.astype(float) * self._scales(quantity, runs)

    def _at_epoch(self, quantity: Quantity, runs: pd.DataFrame) -> "pd.Series[float]":
        if quantity.measure not in self.history:
            return pd.Series(float("nan"), index=runs.index)
        of_run = self.history.groupby("run")[quantity.measure]
        match quantity.epoch:
            case "smallest":
                return runs["run"].map(of_run.min())
            case "largest":
                return runs["run"].map(of_run.max())
        return runs["run"].map(of_run.last(skipna=False))

    def _scales(self, quantity: Quantity, runs: pd.DataFrame) -> "pd.Series[float]":
        """Return the quantity's scale for each run; missing where it has no value."""
        names = names_in(quantity.scale)
        scales = []
        for _, run in runs.iterrows():
            known = {name: run.get(COLUMNS.get(name, name)) for name in names} | self._of(run)
            values = {name: float(known[name]) for name in names if pd.notna(known[name])}
            scales.append(_value(quantity.scale, values))
        return pd.Series(scales, index=runs.index, dtype=float)

    def _of(self, run: pd.Series) -> dict[str, float]:
        """Return what a scale can name besides settings: images, pixels and batches per epoch.

        The images are those that the run was trained on, without the share that it held out.
        """
        told = {name: run[name] for name in catalogue.VALIDATION if pd.notna(run.get(name))}
        images = trained_on(self.of_data["images"], told)
        steps = pd.notna(run.get("batch_size"))
        batches = ceil(images / run["batch_size"]) if steps else float("nan")
        return {**self.of_data, "images": images, "batches": batches}


def gather(
    layout: Layout, studies: Sequence[Study], runs: pd.DataFrame, of_data: Mapping[str, int]
) -> Evidence:
    """Gather what the verdicts of a data set stand on: its runs and the records of studies.

    Raises:
        UserError: a record cannot count, or a table was changed since the workflow wrote it; the
            text names the file and what is wrong with it.
    """
    found = [record for study in studies for record in read_records(study)]
    by = [measuring.of_record(record.run) for record in found]
    rows = zip(records.rows(found), by, strict=True)
    recorded = pd.DataFrame([row | told for row, told in rows])
    histories = [records.histories(found)]
    if (layout.tables / "history.csv").is_file():
        histories.insert(0, read_table(made.require_unchanged(layout.tables / "history.csv")))
    runs = _with_classes(layout, runs)
    if found:
        runs = _with_ways(layout, runs)
    return Evidence(_below_one_another([runs, recorded]), _below_one_another(histories), of_data)


def _with_classes(layout: Layout, runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs with a column more for each class, "silhouette of class 8"."""
    path = layout.tables / "silhouettes.csv"
    table = read_table(made.require_unchanged(path)) if path.is_file() else pd.DataFrame()
    if table.empty or runs.empty:
        return runs
    by_class = table.pivot(index="run", columns="class", values="silhouette")
    return runs.join(by_class.add_prefix(f"silhouette{OF_CLASS}"), on="run")


def _with_ways(layout: Layout, runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs with columns that say by what they were measured."""
    told = [measuring.of_run(layout.run(name)) for name in runs["run"]]
    return runs.join(pd.DataFrame(told, runs.index, list(measuring.EVERY)))


def _below_one_another(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    filled = [table.dropna(axis="columns", how="all") for table in tables if len(table)]
    columns = list(dict.fromkeys(name for table in tables for name in table.columns))
    joined = pd.concat(filled, ignore_index=True) if filled else pd.DataFrame()
    return joined.reindex(columns=columns)


def _value(expression: str, names: Mapping[str, float]) -> float:
    try:
        return evaluate(expression, names)
    except ValueError:
        return float("nan")


def _column(runs: pd.DataFrame, quantity: Quantity) -> "pd.Series[float]":
    if quantity.measure not in runs:
        return pd.Series(float("nan"), index=runs.index)
    return runs[quantity.measure]
