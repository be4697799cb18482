"""What the figures that compare runs draw from: the tables, the runs' files and the test images."""

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from latentgrid.evaluation.tables import axes_of
from latentgrid.evaluation.trained import Array, TestSet, TrainedRun, load_test_set
from latentgrid.figures.style import setting_label
from latentgrid.grid import read_plan
from latentgrid.paths import Layout

LABEL_WIDTH = 22


@dataclass(frozen=True)
class Material:
    """Everything about the runs of one data set."""

    layout: Layout

    @cached_property
    def runs(self) -> pd.DataFrame:
        """The table of runs that have a result and did not diverge."""
        runs = pd.read_csv(self.layout.tables / "runs.csv")
        return runs[runs["status"] == "finished"]

    @cached_property
    def axes(self) -> list[str]:
        """The names of the hyperparameters of which some entry has two or more values."""
        of_entries = self.runs.groupby("entry")
        return [
            axis
            for axis in axes_of(read_plan(self.layout.plan))
            if (of_entries[axis].nunique() > 1).any()
        ]

    @cached_property
    def test(self) -> TestSet:
        """The test images."""
        return load_test_set(self.layout.images)

    def trained(self, run: str) -> TrainedRun:
        """Return the files of a run."""
        return TrainedRun(self.layout.run(run))

    def loss_label(self, runs: pd.DataFrame) -> str:
        """Return in a few words what the loss of these runs, all of one entry, is."""
        total: str = self.trained(runs["run"].iloc[0]).config["total"]
        return textwrap.fill(total.partition(",")[0], LABEL_WIDTH, max_lines=3, placeholder=" …")

    def with_snapshot(self, name: str, runs: Iterable[pd.Series]) -> list[tuple[pd.Series, Array]]:
        """Return those of the runs that have the named snapshot, with it after the last epoch."""
        pairs = [(run, self.trained(run["run"]).last(name)) for run in runs]
        return [(run, snapshot) for run, snapshot in pairs if snapshot is not None]

    def best(self, runs: pd.DataFrame) -> Iterator[pd.Series]:
        """Yield each entry's run with the smallest training loss."""
        for _, of_entry in runs.groupby("entry", sort=False):
            yield of_entry.loc[of_entry["min_train_loss"].idxmin()]

    def label(self, run: pd.Series) -> str:
        """Name a run by its entry and, where that has more than one setting, its values."""
        of_entry = self.runs[self.runs["entry"] == run["entry"]]
        axes = [axis for axis in self.axes if of_entry[axis].nunique() > 1]
        return "\n".join(filter(None, (run["entry"], setting_label(run, axes))))

    def best_of_two_dimensions(self) -> Iterator[pd.Series]:
        """Yield each entry's best run with two latent dimensions."""
        if "latent_dim" in self.runs:
            yield from self.best(self.runs[self.runs["latent_dim"] == 2])  # noqa: PLR2004
