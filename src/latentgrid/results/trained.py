"""Reads a trained run from its files. It reads no weights, and so needs no torch."""

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file

from latentgrid.errors import damaged
from latentgrid.files.run_files import RunFiles
from latentgrid.results.run_json import (
    Config,
    Outcome,
    as_trained,
    read_config,
    read_likelihood,
    read_outcome,
)
from latentgrid.results.tables import read_table

Array = np.ndarray[Any, Any]
IMAGE_AXES = 4
CLASS_NAMES = "class names"  # the entry of the file's metadata, as `latentgrid.data` writes it
# TypeError: a tensor of a type that NumPy does not have.
TENSOR_FAULTS = (SafetensorError, OSError, LookupError, TypeError)
SNAPSHOT = re.compile(r"\d{1,10}/\w+", re.ASCII)


@dataclass(frozen=True)
class TestSet:
    """The test images, on which no run was trained.

    Attributes:
        images: uint8, (n, channels, height, width).
        labels: uint8, (n,).
        class_names: the name of each class; empty where they have none but their numbers.
    """

    images: Array
    labels: Array
    class_names: tuple[str, ...] = ()

    def first(self, n: int) -> "TestSet":
        """Return the test set of the first n images, or all if there are fewer."""
        return TestSet(self.images[:n], self.labels[:n], self.class_names)

    def name_of(self, label: int) -> str:
        """Return the name of a class."""
        return self.class_names[label] if self.class_names else str(label)

    @property
    def has_classes(self) -> bool:
        """Whether the images are of two classes or more, so that something can be said of these."""
        return len(np.unique(self.labels)) > 1


def load_test_set(images: Path) -> TestSet:
    """Read the test part of a data set's tensors.

    Raises:
        UserError: the file is damaged.
    """
    test_images = _first(images, "test_images")
    test_labels = _first(images, "test_labels")
    if test_images.ndim != IMAGE_AXES or test_labels.shape != test_images.shape[:1]:
        raise damaged(images, "its test images and labels do not fit together")
    return TestSet(test_images, test_labels, _class_names(images))


def load_test_images(images: Path, n: int) -> Array:
    """Read the first n test images of a data set's tensors, uint8.

    Raises:
        UserError: the file is damaged.
    """
    return _first(images, "test_images", n)


def _class_names(images: Path) -> tuple[str, ...]:
    try:
        with safe_open(images, framework="np") as file:
            return tuple(json.loads((file.metadata() or {}).get(CLASS_NAMES, "[]")))
    except (*TENSOR_FAULTS, ValueError) as error:
        raise damaged(images, error) from None


def load_training_images(images: Path, n: int | None = None) -> Array:
    """Read the first n training images of a data set's tensors, by default all, uint8.

    Raises:
        UserError: the file is damaged.
    """
    return _first(images, "train_images", n)


def load_training_labels(images: Path) -> Array:
    """Read the training images' labels of a data set's tensors, uint8, (n,).

    Raises:
        UserError: the file is damaged.
    """
    return _first(images, "train_labels")


def _first(images: Path, name: str, n: int | None = None) -> Array:
    """Read the first n items of one of a data set's tensors, by default all, uint8."""
    try:
        with safe_open(images, framework="np") as file:
            tensor = file.get_slice(name)
            count = tensor.get_shape()[0]
            first: Array = tensor[: count if n is None else min(n, count)]
    except TENSOR_FAULTS as error:
        raise damaged(images, error) from None
    if first.dtype != np.uint8:
        raise damaged(images, f"{name} holds no bytes")
    return first


def load_tensors(path: Path) -> dict[str, Array]:
    """Read the tensors that a step wrote.

    Raises:
        UserError: the file is damaged.
    """
    try:
        tensors: dict[str, Array] = load_file(path)
    except TENSOR_FAULTS as error:
        raise damaged(path, error) from None
    return tensors


@dataclass(frozen=True)
class TrainedRun:
    """The files of a run whose training ended.

    Attributes:
        reads: the results of other steps to read, `judged` or `likelihood`. Others are ignored, as
            they may be left from an earlier configuration.
    """

    files: RunFiles
    reads: frozenset[str] = frozenset()

    @property
    def ended(self) -> bool:
        """Whether the training has ended, as finished or diverged."""
        return self.files.outcome.exists()

    @cached_property
    def outcome(self) -> Outcome:
        """How the training ended."""
        return read_outcome(self.files)

    @cached_property
    def config(self) -> Config:
        """What the run was trained with, and what its model is."""
        return read_config(self.files)

    @cached_property
    def history(self) -> pd.DataFrame:
        """One row per completed epoch; without any row there are no columns either."""
        epochs = self.outcome.epochs
        if not epochs:
            return pd.DataFrame()
        history = read_table(as_trained(self.files, self.files.history))
        if len(history) != epochs or not _counts_epochs(history):
            raise damaged(self.files.history, f"it does not hold {epochs} epochs")
        return history

    @cached_property
    def snapshots(self) -> dict[str, Array]:
        """Every snapshot as "epoch/name"."""
        snapshots = load_tensors(as_trained(self.files, self.files.snapshots))
        for key in snapshots:
            if not SNAPSHOT.fullmatch(key):
                raise damaged(self.files.snapshots, f"{key} is no snapshot's name")
        return snapshots

    def snapshot_names(self) -> dict[int, frozenset[str]]:
        """Return the names of the snapshots by epoch, without reading them.

        Raises:
            UserError: the file is damaged.
        """
        try:
            with safe_open(self.files.snapshots, framework="np") as file:
                pairs = [key.split("/") for key in file.keys()]  # noqa: SIM118 - it is no mapping
        except TENSOR_FAULTS as error:
            raise damaged(self.files.snapshots, error) from None
        epochs = {int(epoch) for epoch, _ in pairs}
        return {at: frozenset(name for epoch, name in pairs if int(epoch) == at) for at in epochs}

    @property
    def judged(self) -> dict[str, Array]:
        """The judge's probabilities (n, classes) of each kind of image that the run makes."""
        return load_tensors(self.files.judged) if "judged" in self.reads else {}

    @property
    def likelihood(self) -> dict[str, float]:
        """The bounds on the likelihood of test images; empty if there are none."""
        return read_likelihood(self.files) if "likelihood" in self.reads else {}

    def over_epochs(self, name: str) -> dict[int, Array]:
        """Return the named snapshot by epoch, ascending, for each epoch that has it."""
        pairs = [key.split("/") for key in self.snapshots]
        epochs = sorted(int(epoch) for epoch, kept in pairs if kept == name)
        return {epoch: self.snapshots[f"{epoch}/{name}"] for epoch in epochs}

    def last(self, name: str) -> Array | None:
        """Return the named snapshot after the last epoch, or None if the model has none."""
        return self.snapshots.get(f"{self.outcome.epochs}/{name}")


def _counts_epochs(history: pd.DataFrame) -> bool:
    """Tell whether a history holds only numbers, and its epochs count 1, 2, 3, …."""
    return (
        {"epoch", "train_loss", "test_loss"} <= set(history.columns)
        and all(column.kind in "if" for column in history.dtypes)
        and not np.isnan(history.to_numpy()).any()
        and history["epoch"].tolist() == list(range(1, len(history) + 1))
    )
