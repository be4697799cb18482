"""A trained run as its files tell it. Reads no weights and so needs no torch."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file

from latentgrid.errors import UserError
from latentgrid.files import read_json
from latentgrid.run_files import RunFiles

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class TestSet:
    """The images that no run was trained on.

    Attributes:
        images: uint8, (n, channels, height, width).
        labels: uint8, (n,).
    """

    images: Array
    labels: Array

    def first(self, n: int) -> "TestSet":
        """Return the first n images, or all if there are fewer."""
        return TestSet(self.images[:n], self.labels[:n])


def load_test_set(images: Path) -> TestSet:
    """Read the test part of a data set's tensors."""
    tensors = load_file(images)
    return TestSet(tensors["test_images"], tensors["test_labels"])


def load_training_images(images: Path, n: int | None = None) -> Array:
    """Read the first n training images of a data set's tensors, or all there are, uint8."""
    with safe_open(images, framework="np") as file:
        part = file.get_slice("train_images")
        count = part.get_shape()[0]
        first: Array = part[: count if n is None else min(n, count)]
    return first


@dataclass(frozen=True)
class TrainedRun:
    """The files of a run whose training ended.

    Attributes:
        reads: which results of other steps the configuration asks for: `judged`, `likelihood`.
            Those of an earlier configuration may still lie there.
    """

    files: RunFiles
    reads: frozenset[str] = frozenset()

    @property
    def ended(self) -> bool:
        """Whether there is a result at all."""
        return self.files.outcome.exists()

    @cached_property
    def outcome(self) -> dict[str, Any]:
        """`status`, `reason` and `epochs`."""
        outcome: dict[str, Any] = read_json(self.files.outcome)
        return outcome

    @cached_property
    def config(self) -> dict[str, Any]:
        """What it was trained with."""
        config: dict[str, Any] = read_json(self.files.config)
        return config

    @cached_property
    def history(self) -> pd.DataFrame:
        """One row per completed epoch."""
        if self.files.history.stat().st_size == 0:
            return pd.DataFrame()
        return pd.read_csv(self.files.history)

    @cached_property
    def snapshots(self) -> dict[str, Array]:
        """Every snapshot as "epoch/name"."""
        return _load(self.files.snapshots)

    @property
    def judged(self) -> dict[str, Array]:
        """The judge's probabilities (n, classes) of each kind of image that the run makes."""
        return _load(self.files.judged) if "judged" in self.reads else {}

    @property
    def likelihood(self) -> dict[str, float]:
        """The bounds on the likelihood of test images, or nothing where there are none."""
        bounds: dict[str, float] = (
            read_json(self.files.likelihood) if "likelihood" in self.reads else {}
        )
        return bounds

    def over_epochs(self, name: str) -> dict[int, Array]:
        """Return the named snapshot after each epoch that has one, these ascending."""
        pairs = [key.split("/") for key in self.snapshots]
        epochs = sorted(int(epoch) for epoch, kept in pairs if kept == name)
        return {epoch: self.snapshots[f"{epoch}/{name}"] for epoch in epochs}

    def last(self, name: str) -> Array | None:
        """Return the named snapshot after the last epoch, or None if the model has none."""
        return self.snapshots.get(f"{self.outcome['epochs']}/{name}")


def _load(path: Path) -> dict[str, Array]:
    try:
        tensors: dict[str, Array] = load_file(path)
    except SafetensorError as error:
        raise UserError(
            f"{path}: is damaged ({error}); delete it and run snakemake again"
        ) from None
    return tensors
