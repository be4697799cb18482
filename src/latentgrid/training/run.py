"""Trains one run and writes its files; a run that was interrupted resumes at its checkpoint."""

import csv
import hashlib
import io
import json
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from latentgrid import models
from latentgrid.data import Images, load_images
from latentgrid.files.atomic import save, sha256, write_json, write_text
from latentgrid.files.run_files import RunFiles
from latentgrid.grid import plugins
from latentgrid.models import Model
from latentgrid.nets.layout import move
from latentgrid.provenance import code_version, library_versions
from latentgrid.randomness import random_generator, seed_of
from latentgrid.training.capture import Mode, captured, eager
from latentgrid.training.checkpoints import Checkpoint, Checkpoints, TrainingLog
from latentgrid.training.determinism import compute_deterministically
from latentgrid.training.loop import Training
from latentgrid.training.progress import Progress
from latentgrid.training.snapshots import snapshot
from latentgrid.training.steps import Row
from latentgrid.training.stopping import Stop

# Writing a checkpoint takes as long as an epoch of a small data set.
SECONDS_BETWEEN_CHECKPOINTS = 5.0


def train_run(
    settings: Mapping[str, Any],
    images: Path,
    files: RunFiles,
    device: str,
    code_digest: str,
    cuda_graphs: bool = True,
) -> None:
    """Train one run, from its last checkpoint if it has one, and write its files.

    Args:
        settings: of the run.
        images: the file with the data set's tensors.
        files: where the run's files go.
        device: "cpu" or "cuda".
        code_digest: the digest of the code that this process has loaded (`stamps.code.code_of`).
        cuda_graphs: whether a GPU replays steps as CUDA graphs.

    Raises:
        Stopped: the process was asked to end; the next call resumes the training.
    """
    began = datetime.now(UTC)
    code = code_version(root.folder for root in plugins.roots()), code_digest
    prepare(device)
    data = load_data(images, device)
    model = new_model(settings, data, device)
    training = Training(model, data, settings, mode_on(device, cuda_graphs))
    made_by = made_with(model, data, settings, code)
    unfinished = UnfinishedRun(training, data, settings, files, made_by)
    last = unfinished.checkpoints.last()
    if last:
        unfinished.resume(last)
    train_to_the_end(unfinished)
    unfinished.write_results(began)


def prepare(device: str) -> None:
    """Set up torch for a training. Call it before the job's first calculation."""
    compute_deterministically(device)
    # Moments of weights without a gradient decay to denormal numbers, which halve a CPU's speed.
    torch.set_flush_denormal(True)


def mode_on(device: str, cuda_graphs: bool) -> Mode:
    """Return how steps are taken on a device: replayed on a GPU, unless that is switched off."""
    return captured if device == "cuda" and cuda_graphs else eager


def train_to_the_end(unfinished: "UnfinishedRun") -> None:
    """Train a run for its remaining epochs, and write a checkpoint every few seconds.

    Raises:
        Stopped: the process was asked to end; the last completed epoch is on disk.
    """
    training = unfinished.training
    progress = Progress(training.epochs, done=training.epoch)
    stop = Stop(lambda: unfinished.is_written_down)

    def after_epoch(row: Row) -> None:
        unfinished.take_note(row)
        if stop.is_asked or unfinished.unwritten_seconds >= SECONDS_BETWEEN_CHECKPOINTS:
            unfinished.write_down()
        stop.raise_if_asked()
        progress.epoch_done(training.epoch, row["train_loss"], row["test_loss"])

    unfinished.begin()
    with stop.on_signals():
        training.run(after_epoch)
    unfinished.end()


def load_data(images: Path, device: str) -> Images:
    """Read a data set's tensors and move them to a device."""
    stored = load_images(images)
    tensors = {name: tensor.to(device) for name, tensor in stored.tensors().items()}
    return Images(**tensors, checksum=stored.checksum, class_names=stored.class_names)


def new_model(settings: Mapping[str, Any], data: Images, device: str) -> Model:
    """Build the run's model for these data, draw its initial weights, and move it to a device."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(settings["seed"], "construction"))
        model = models.build(settings, data.shape, data.classes)
    model.initialise(random_generator(settings["seed"], "weights"))
    move(model, device)
    return model


def made_with(
    model: Model, data: Images, settings: Mapping[str, Any], code: tuple[str, str]
) -> dict[str, Any]:
    """Return the content of `config.json`: the run's settings, model, data, code and libraries.

    Args:
        model: the run's model.
        data: the images that it is trained and tested on.
        settings: of the run.
        code: the commit and the digest of the code, both read before training began.
    """
    commit, digest = code
    return {
        "settings": settings,
        "image shape": list(data.shape),
        "classes": data.classes,
        "parameters": models.parameter_count(model),
        "description": (type(model).__doc__ or "").splitlines()[0],
        "terms": model.terms,
        "total": model.loss_description,
        "batch total": model.batch_loss_description,
        "data sha256": data.checksum,
        "code": commit,
        "code digest": digest,
        "libraries": library_versions(),
        "device": device_name(data),
    }


def device_name(data: Images) -> str:
    """Return the name of the device that holds the data: the GPU's name, or "cpu"."""
    device = data.train_images.device
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def fingerprint(made_by: Mapping[str, Any]) -> str:
    """Return a hash of everything that decides a run's bits.

    It includes the instruction set that torch uses on this CPU, because other instructions give
    other bits: a run must not resume on another kind of machine. It excludes the commit, which may
    change without a change of the code.
    """
    deciding = {name: value for name, value in made_by.items() if name != "code"}
    deciding["instructions"] = torch.backends.cpu.get_cpu_capability()
    return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()


class UnfinishedRun:
    """A run in training, with what it keeps for a later call and what it leaves at its end.

    Attributes:
        training: the run's.
        log: the run's history and times so far.
        snapshots: the snapshots taken so far, by "epoch/name".
        checkpoints: of the run.
    """

    def __init__(
        self,
        training: Training,
        data: Images,
        settings: Mapping[str, Any],
        files: RunFiles,
        made_by: Mapping[str, Any],
    ) -> None:
        """Prepare for the run's first epoch.

        Args:
            training: the run's, before its first epoch.
            data: the images that it is trained and tested on.
            settings: of the run.
            files: where its files go.
            made_by: the content of `config.json` (`made_with`). Checkpoints with another
                `fingerprint` are not used.
        """
        self.training, self.data, self.files, self.made_by = training, data, files, made_by
        self.seed, self.kept = settings["seed"], settings["snapshots"]
        self.checkpoints = Checkpoints(files.checkpoints, fingerprint(made_by), self.kept["epochs"])
        self.log = TrainingLog(self.checkpoints.run)
        self.snapshots: dict[str, Tensor] = {}
        self._written_down()

    @property
    def is_written_down(self) -> bool:
        """Whether the last completed epoch is on disk."""
        return self.epoch_written_down == self.training.epoch

    @property
    def unwritten_seconds(self) -> float:
        """How long ago the run was written down last, or began."""
        return time.monotonic() - self.written_down_at

    def resume(self, checkpoint: Checkpoint) -> None:
        """Go on after a checkpoint."""
        epoch = checkpoint.log.epoch
        self.training.resume_from(checkpoint.state, epoch, checkpoint.log.seconds)
        again = [*checkpoint.log.continued_after, epoch]
        self.log = replace(checkpoint.log, continued_after=again)
        self.snapshots = checkpoint.snapshots
        self._written_down()
        write_text(self.files.live_history, as_csv(self.log.history))
        print(f"going on after epoch {epoch}", flush=True)

    def begin(self) -> None:
        """Take the snapshot before the first epoch, if the run is there."""
        if self.training.epoch == 0:
            self._keep_snapshot()

    def take_note(self, row: Row) -> None:
        """Note an epoch's row of the history, and take a snapshot if one is due."""
        self.log = replace(
            self.log,
            epoch=self.training.epoch,
            history=[*self.log.history, row],
            seconds=self.training.seconds,
        )
        self._keep_snapshot()
        write_text(self.files.live_history, as_csv(self.log.history))

    def write_down(self) -> None:
        """Write a checkpoint of the last completed epoch."""
        self.checkpoints.keep(self.training.state(), self.log)
        self._written_down()

    def end(self) -> None:
        """Say how the training ended, and take a snapshot if it ended before its last epoch."""
        outcome = self.training.outcome
        if not outcome.diverged and outcome.epochs < self.training.epochs:
            print(f"stopped after epoch {outcome.epochs}, as patience says", flush=True)
        if outcome.diverged:
            print(f"diverged: {outcome.diverged}; keeping epoch {outcome.epochs}", flush=True)
        if outcome.epochs < self.training.epochs:
            self._take_snapshot()

    def write_results(self, began: datetime) -> None:
        """Write the run's files, the outcome last; `began` is when this process began with it."""
        files, outcome = self.files, self.training.outcome
        state = self.training.model.state_dict()
        weights = {name: value.cpu().contiguous() for name, value in state.items()}
        save(files.weights, lambda part: save_file(weights, part))
        save(files.snapshots, lambda part: save_file(self.snapshots, part))
        write_text(files.history, as_csv(self.log.history))
        write_json(files.config, self.made_by)
        write_json(
            files.timing,
            {
                "host": socket.gethostname(),
                "started": began.isoformat(timespec="seconds"),
                "ended": datetime.now(UTC).isoformat(timespec="seconds"),
                "seconds per epoch": outcome.seconds,
                "continued after epochs": self.log.continued_after,
            },
        )
        write_json(
            files.outcome,
            {
                "status": "diverged" if outcome.diverged else "finished",
                "reason": outcome.diverged,
                "epochs": outcome.epochs,
                # Later steps depend on this file alone; its digests stand for the other files.
                "sha256": {path.name: sha256(path) for path in files.results},
            },
        )

    def _written_down(self) -> None:
        self.written_down_at, self.epoch_written_down = time.monotonic(), self.training.epoch

    def _keep_snapshot(self) -> None:
        """Take and write a snapshot if the settings ask for one after this epoch."""
        if self.training.epoch in self.kept["epochs"]:
            self.checkpoints.keep_snapshot(self.training.epoch, self._take_snapshot())

    def _take_snapshot(self) -> dict[str, Tensor]:
        model, epoch = self.training.model, self.training.epoch
        taken = snapshot(model, self.data, self.seed, self.kept["samples"], self.kept["manifold"])
        self.snapshots |= {f"{epoch}/{name}": tensor for name, tensor in taken.items()}
        return taken


def as_csv(rows: Iterable[Mapping[str, float]]) -> str:
    """Return rows with equal keys as CSV; a float is the shortest text that reads back the same."""
    rows = list(rows)
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue()
