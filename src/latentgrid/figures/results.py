"""Gives figures the tables, the runs' files and the images that they draw."""

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd
import torch

from latentgrid.evaluation import ranking
from latentgrid.evaluation.tables import best_runs
from latentgrid.files.layout import Layout
from latentgrid.grid import catalogue
from latentgrid.grid.runs import read_plan
from latentgrid.randomness import random_generator
from latentgrid.results.labels import setting_label
from latentgrid.results.loaded import LoadedModel, load_model
from latentgrid.results.tables import as_planned, axes_of, read_runs
from latentgrid.results.trained import (
    Array,
    TestSet,
    TrainedRun,
    load_tensors,
    load_test_images,
    load_test_set,
    load_training_images,
    load_training_labels,
)

LABEL_WIDTH = 22
FEW = 100
BY_LOSS, BY_VALIDATION = f"smallest {ranking.LOSS}", f"smallest {ranking.VALIDATION_LOSS}"


@dataclass(frozen=True)
class Results:
    """The results of the runs of one data set, or of some of its entries.

    Attributes:
        layout: where the files are.
        entries: the entries to show; None for all.
        chosen: entries of several runs whose best one was asked for, each with what made it the
            best; `best` adds to it.
    """

    layout: Layout
    entries: tuple[str, ...] | None = None
    chosen: dict[str, set[str]] = field(default_factory=dict)

    @cached_property
    def planned(self) -> pd.DataFrame:
        """The rows of `runs.csv` of the entries to show, with the epochs that were planned."""
        runs = as_planned(read_runs(self.layout))
        return runs if self.entries is None else runs[runs["entry"].isin(self.entries)]

    @cached_property
    def runs(self) -> pd.DataFrame:
        """Those of the planned runs that finished."""
        return self.planned[self.planned["status"] == "finished"]

    @cached_property
    def axes(self) -> list[str]:
        """The names of the axes on which some entry has two or more values."""
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

    @property
    def first_test_images(self) -> Array:
        """The first test images, which show how all are drawn; none where there are no data."""
        if not self.layout.images.exists():  # a figure of an experiment needs none
            return np.zeros((0, 1, 1, 1), np.uint8)
        return load_test_images(self.layout.images, FEW)

    def training_images(self, n: int | None) -> Array:
        """Return the first n training images, or all for None, uint8, (n, c, h, w)."""
        return load_training_images(self.layout.images, n)

    def training_labels(self) -> Array:
        """Return the training images' labels, uint8, (n,)."""
        return load_training_labels(self.layout.images)

    def read(self, name: str) -> dict[str, Array]:
        """Return the tensors of a result that the figure's READS names."""
        return load_tensors(self.layout.tensors(name))

    def read_part(self, name: str, part: str) -> dict[str, Array]:
        """Return a result's tensors whose names start with "part/", by the rest of the name."""
        start = f"{part}/"
        return {
            tensor.removeprefix(start): values
            for tensor, values in self.read(name).items()
            if tensor.startswith(start)
        }

    def normal_draws(self, purpose: str, n: int, dimensions: int) -> Array:
        """Return draws (n, d) of N(0, I), the same at every call for the same purpose."""
        draws = torch.randn(n, dimensions, generator=random_generator(0, f"figure {purpose}"))
        return draws.numpy()

    def loaded(self, run: pd.Series) -> LoadedModel:
        """Return the trained model of a run."""
        return LoadedModel(load_model(self.trained(run["run"])))

    @cached_property
    def entries_by_dimension(self) -> "pd.Series[int]":
        """The number of entries with each latent dimension, the dimensions ascending."""
        if "latent_dim" not in self.runs:
            return pd.Series(dtype=int)
        return self.runs.groupby("latent_dim")["entry"].nunique()

    def of_common_dimension(self) -> tuple[int, list[pd.Series]]:
        """Return the latent dimension that most entries have, and their best runs with it.

        Of equally common dimensions it is the largest. Without entries that have codes it is 0,
        with no runs.
        """
        entries = self.entries_by_dimension
        if entries.empty:
            return 0, []
        dimension = int(entries[entries == entries.max()].index.max())
        return dimension, self.of_dimension(dimension)

    def of_dimension(self, dimension: int) -> list[pd.Series]:
        """Return the best run with this latent dimension of each entry that has it."""
        return list(self.best(self.runs[self.runs["latent_dim"] == dimension]))

    def by_dimension(self) -> dict[str, list[pd.Series]]:
        """Return, by entry, the best run with each of its latent dimensions, these ascending."""
        found: dict[str, list[pd.Series]] = {}
        for dimension in self.entries_by_dimension.index:
            for run in self.of_dimension(dimension):
                found.setdefault(run["entry"], []).append(run)
        return {entry: found[entry] for entry in self.runs["entry"].unique() if entry in found}

    def repeated(self, run: pd.Series) -> pd.DataFrame:
        """Return the run and those that differ from it in their seed alone."""
        setting = self.runs[["entry", *self.axes]]
        own = run[setting.columns]
        return self.runs[((setting == own) | (setting.isna() & own.isna())).all(axis=1)]

    def without(self, ability: str) -> "Results":
        """Return the results without entries whose models have an ability, named by its method."""
        pairs = self.runs[["entry", "model"]].drop_duplicates()
        able = [ability in catalogue.abilities(model) for model in pairs["model"]]
        return replace(self, entries=tuple(pairs["entry"][~np.array(able, dtype=bool)]))

    def trained(self, run: str) -> TrainedRun:
        """Return the files of a run."""
        return TrainedRun(self.layout.run(run))

    def loss_label(self, runs: pd.DataFrame) -> str:
        """Return in a few words what the loss of these runs is; all are of one entry."""
        total: str = self.trained(runs["run"].iloc[0]).config.total
        return textwrap.fill(total.partition(",")[0], LABEL_WIDTH, max_lines=3, placeholder=" …")

    def with_snapshot(self, name: str, runs: Iterable[pd.Series]) -> list[tuple[pd.Series, Array]]:
        """Return each run that has the named snapshot, with the snapshot after its last epoch."""
        pairs = [(run, self.trained(run["run"]).last(name)) for run in runs]
        return [(run, snapshot) for run, snapshot in pairs if snapshot is not None]

    def best(self, runs: pd.DataFrame) -> Iterator[pd.Series]:
        """Yield each entry's best run (`best_runs`), and note in `chosen` how it was chosen."""
        for best in best_runs(runs, self.axes):
            entry = str(best.row["entry"])
            if (runs["entry"] == entry).sum() > 1:
                self.chosen.setdefault(entry, set()).add(best.by)
            yield best.row

    def how_chosen(self) -> list[str]:
        """Return sentences on best runs: of several seeds, or by other than the training loss."""
        validated = [entry for entry, by in self.chosen.items() if by == {BY_VALIDATION}]
        others = {
            entry: by for entry, by in self.chosen.items() if by not in ({BY_LOSS}, {BY_VALIDATION})
        }
        sentences = []
        if self.runs.loc[self.runs["entry"].isin(self.chosen), "seed"].nunique() > 1:
            sentences.append(
                "A model's best run is the best seed of the setting that is best by the mean of "
                "its seeds."
            )
        if validated:
            sentences.append(
                f"The best runs of {', '.join(validated)} are those with the smallest loss on the "
                "training images that were held out."
            )
        if others:
            each = "; ".join(
                f"{entry} by {' or '.join(sorted(by))}" for entry, by in others.items()
            )
            sentences.append(
                f"Best runs are those with the smallest training loss, but not where it may not be \
compared: {each}."
            )
        return sentences

    def latent_runs(self) -> list[tuple[pd.Series, Array]]:
        """Return each entry's best run and its best two-dimensional run, with their test codes.

        Two-dimensional runs come first; no run comes twice.
        """
        best = [*self.best_of_two_dimensions(), *self.best(self.runs)]
        return self.with_snapshot("codes", {run["run"]: run for run in best}.values())

    def label(self, run: pd.Series) -> str:
        """Name a run by its entry, and below it by what a reader cannot know of it.

        That is its values on the axes on which the entry's runs differ, the latent dimension if the
        runs of all entries differ in it, and hyperparameters that are not the model's defaults.
        """
        of_entry = self.runs[self.runs["entry"] == run["entry"]]
        axes = [axis for axis in self.axes if of_entry[axis].nunique() > 1]
        if len(self.entries_by_dimension) > 1 and "latent_dim" not in axes:
            axes.append("latent_dim")
        axes += [axis for axis in changed(run) if axis not in axes]
        return "\n".join(filter(None, (run["entry"], setting_label(run, axes))))

    def name(self, run: pd.Series) -> str:
        """Name a run by its entry, and by hyperparameters that are not the model's defaults."""
        return ", ".join(filter(None, (run["entry"], setting_label(run, changed(run)))))

    def best_of_two_dimensions(self) -> Iterator[pd.Series]:
        """Yield each entry's best run with two latent dimensions."""
        if "latent_dim" in self.runs:
            yield from self.best(self.runs[self.runs["latent_dim"] == 2])  # noqa: PLR2004


def changed(run: pd.Series) -> list[str]:
    """Return the hyperparameters of a run that are not its model's defaults."""
    return [
        name
        for name, (_, default) in catalogue.model_hyperparameters(run["model"]).items()
        if default is not ... and name in run and pd.notna(run[name]) and run[name] != default
    ]
