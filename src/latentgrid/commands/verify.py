"""Trains the first epochs of records again, by the code that is here, and compares the losses."""

import contextlib
import math
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from latentgrid.commands.record import recorded
from latentgrid.data import load_images
from latentgrid.errors import UserError
from latentgrid.files.layout import Layout
from latentgrid.files.run_files import RunFiles
from latentgrid.grid.runs import FUSED, trained_by
from latentgrid.jobs.devices import take_device, visible_gpus
from latentgrid.stamps.code import code_of
from latentgrid.studies.records import Record, RecordedRun
from latentgrid.studies.served import unknown_settings
from latentgrid.training.machine import write_machine
from latentgrid.training.run import train_run
from latentgrid.training.stacked import StackedRun, train_stack

# How far two machines' losses of an epoch may lie apart, as a share of the recorded one: about
# three times the most that was seen between four ways of computing (docs/records.md). A training
# loss is a mean over the epoch; a test loss is of the weights after its last step, which differ
# more.
TOLERANCE = {"train": 0.03, "validation": 0.1, "test": 0.1}
DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class Difference:
    """A loss of an epoch that is not the same bits here and in the record.

    Attributes:
        epoch, column: where it stands in the history.
        ours, theirs: the loss as trained here and as recorded.
        share: their distance as a share of the recorded one, or of the loss it is a term of.
    """

    epoch: int
    column: str
    ours: float
    theirs: float
    share: float

    @property
    def excess(self) -> float:
        """The distance in units of what may be; above 1, the losses are other ones."""
        return self.share / TOLERANCE[self.column.partition("_")[0]]

    def __str__(self) -> str:
        """Return where the loss stands, and both values."""
        return f"epoch {self.epoch}, {self.column}: ours {self.ours!r}, theirs {self.theirs!r}"


@dataclass(frozen=True)
class Finding:
    """What training again says of a record.

    Attributes:
        fits: whether the record holds.
        said: how the two compare, in words.
    """

    fits: bool
    said: str


def verify(record: Record, epochs: int, device: str) -> Finding:
    """Train a record's first epochs again, in a temporary folder, and compare every loss.

    Args:
        record: of a run that finished or diverged; the latter must diverge again in the same epoch,
            if so many are trained.
        epochs: how many epochs to train, 1 or more.
        device: "cpu", "cuda", or "auto" for what the record was made on, if that is here.

    Raises:
        UserError: the images are missing or other ones, there is no such device, or the record has
            settings that no model here takes.
    """
    theirs = record.run
    unknown = unknown_settings(theirs.settings)
    if unknown:
        raise UserError(f"{record.path}: {unknown}")
    images = Layout(theirs.dataset).images
    _require_images(record, images)
    settings = _of_first_epochs(theirs, epochs)
    with tempfile.TemporaryDirectory(prefix="latentgrid-") as folder:
        files = RunFiles(Path(folder, "run"), Path(folder, "state"))
        taken, _slot = _chosen(device, theirs)
        if FUSED in settings and taken != "cuda":
            raise UserError(
                f"{record.path}: was trained in a stack of {settings[FUSED]} runs, which takes a "
                f"GPU, and none is to be used here"
            )
        trained = _train(settings, images, files, taken)
        return compared(recorded(trained, theirs.dataset), theirs)


def compared(ours: RecordedRun, theirs: RecordedRun) -> Finding:
    """Compare the epochs that both runs have.

    On the same processor, or GPU, with the same libraries, all losses must be the same bits;
    elsewhere each must lie within TOLERANCE of the recorded one.
    """
    other = _other_course(ours, theirs)
    if other:
        return Finding(False, f"differs: {other}")
    found = list(_differences(ours, theirs))
    again = f"{_count(ours.settings.epochs)} trained again"
    if not found:
        return Finding(True, f"verified to the bit, {again}")
    if ours.made_on == theirs.made_on and theirs.machine:
        return Finding(False, f"differs: {found[0]}; this machine must give the same bits")
    worst = max(found, key=lambda one: one.excess)
    if worst.excess > 1:
        return Finding(False, f"differs: {worst}")
    most = max(found, key=lambda one: one.share)
    return Finding(True, f"verified within {100 * most.share:.2g} %, {again}; {most}")


def _other_course(ours: RecordedRun, theirs: RecordedRun) -> str:
    """Return in which epoch only one of two runs diverged, or has other columns; "" if in none."""
    if ours.epochs < min(theirs.epochs, ours.settings.epochs):
        return f"epoch {ours.epochs + 1}: ours diverged, theirs did not"
    if ours.epochs > theirs.epochs:
        return f"epoch {ours.epochs}: theirs diverged, ours did not"
    columns = {*ours.history.columns} ^ {*theirs.history.columns}
    if columns and ours.epochs:
        return f"epoch 1: only one of them has {', '.join(sorted(columns))}"
    return ""


def _differences(ours: RecordedRun, theirs: RecordedRun) -> Iterator[Difference]:
    """Yield each loss that is not the same bits, epoch by epoch."""
    for one, other in zip(ours.history.rows, theirs.history.rows, strict=False):
        here = dict(zip(ours.history.columns, one, strict=True))
        there = dict(zip(theirs.history.columns, other, strict=True))
        for column in ours.history.columns[1:]:
            if here[column] != there[column]:
                loss = f"{column.partition('_')[0]}_loss"
                scale = max(abs(there[column]), abs(there[loss]))
                share = abs(here[column] - there[column]) / scale if scale else math.inf
                yield Difference(int(one[0]), column, here[column], there[column], share)


def _require_images(record: Record, images: Path) -> None:
    """Refuse to verify a record on other images than its own."""
    if not images.is_file():
        raise UserError(
            f"{images}: is missing, and {record.path} needs it; make it by snakemake --cores 1 "
            f"--config dataset={record.run.dataset} -- {images}"
        )
    found = load_images(images).checksum
    if found != record.run.data_sha256:
        raise UserError(
            f"{record.path}: was trained on other images (SHA-256 {record.run.data_sha256}) than "
            f"those of {images} ({found})"
        )


def _of_first_epochs(run: RecordedRun, epochs: int) -> dict[str, Any]:
    """Return the settings of a run's first epochs, with the one in which it diverged.

    A schedule runs over all epochs: fewer of them would be other ones.
    """
    told = run.settings.model_dump()
    begun = run.epochs + (run.status == "diverged")
    whole = "schedule" in run.settings.options
    chosen = run.settings.epochs if whole else min(epochs, begun)
    return {**told, "epochs": chosen, "snapshots": {**told["snapshots"], "epochs": []}}


def _chosen(device: str, theirs: RecordedRun) -> tuple[str, FileLock | None]:
    """Return where to train, "cpu" or "cuda", and what holds a GPU as long as it is referenced."""
    if device == "cpu" or (device == "auto" and theirs.device == "cpu"):
        return "cpu", None
    if device == "cuda" and not visible_gpus():
        raise UserError("--device: found cuda, but no GPU is visible here; allowed: auto, cpu")
    return take_device(device, 1)


def _train(settings: Mapping[str, Any], images: Path, files: RunFiles, device: str) -> RunFiles:
    """Train by the real loop, whose words are not those of this command; return what it wrote."""
    code = code_of(*trained_by(settings)).digest
    with contextlib.redirect_stdout(None):
        if FUSED in settings:  # alone in a stack as wide as its own, where it gets the same bits
            train_stack([StackedRun(settings, files, code)], [0], images, device)
            return files.of_stack
        train_run(settings, images, files, device, code)
    write_machine(files)
    return files


def _count(epochs: int) -> str:
    return "1 epoch" if epochs == 1 else f"{epochs} epochs"
