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
from latentgrid.training.checkpoints import Checkpoints, TrainingLog
from latentgrid.training.determinism import compute_deterministically
from latentgrid.training.loop import Outcome, Training
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
    started = datetime.now(UTC)
    code = code_version(root.folder for root in plugins.roots()), code_digest
    compute_deterministically(device)
    # Moments of weights without a gradient decay to denormal numbers, which halve a CPU's speed.
    torch.set_flush_denormal(True)
    data = load_data(images, device)
    model = new_model(settings, data, device)
    mode = captured if device == "cuda" and cuda_graphs else eager
    made_by = made_with(model, data, settings, code)
    unfinished = UnfinishedRun(model, data, settings, files, fingerprint(made_by), mode)
    outcome = unfinished.train()
    weights = {name: value.cpu().contiguous() for name, value in model.state_dict().items()}
    save(files.weights, lambda part: save_file(weights, part))
    save(files.snapshots, lambda part: save_file(unfinished.snapshots, part))
    write_text(files.history, as_csv(unfinished.log.history))
    write_json(files.config, made_by)
    write_json(
        files.timing,
        {
            "host": socket.gethostname(),
            "started": started.isoformat(timespec="seconds"),
            "ended": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds per epoch": outcome.seconds,
            "continued after epochs": unfinished.log.continued_after,
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
    """A run in training, which writes a checkpoint every few seconds, after an epoch.

    Attributes:
        log: the run's history and times so far.
        snapshots: the snapshots taken so far, by "epoch/name".
    """

    def __init__(
        self,
        model: Model,
        data: Images,
        settings: Mapping[str, Any],
        files: RunFiles,
        identity: str,
        mode: Mode = eager,
    ) -> None:
        """Resume the run after its last checkpoint, or begin it.

        Checkpoints with another `identity`, the `fingerprint` of the run, are not used.
        """
        self.model, self.data, self.files = model, data, files
        self.seed, self.kept = settings["seed"], settings["snapshots"]
        self.training = Training(model, data, settings, mode)
        self.checkpoints = Checkpoints(files.checkpoints, identity, self.kept["epochs"])
        self.log = TrainingLog(self.checkpoints.run)
        self.snapshots: dict[str, Tensor] = {}
        self._resume()
        self.progress = Progress(settings["epochs"], done=self.training.epoch)
        self.written_down = time.monotonic()
        self.epoch_written_down = self.training.epoch
        self.stop = Stop(lambda: self.epoch_written_down == self.training.epoch)

    def train(self) -> Outcome:
        """Train for the remaining epochs.

        Raises:
            Stopped: the process was asked to end; the last completed epoch is on disk.
        """
        if self.training.epoch == 0:
            self._keep_snapshot()
        with self.stop.on_signals():
            outcome = self.training.run(self._after_epoch)
        if not outcome.diverged and outcome.epochs < self.training.epochs:
            print(f"stopped after epoch {outcome.epochs}, as patience says", flush=True)
        if outcome.diverged:
            print(f"diverged: {outcome.diverged}; keeping epoch {outcome.epochs}", flush=True)
        if outcome.epochs < self.training.epochs:
            self._take_snapshot()
        return outcome

    def _resume(self) -> None:
        last = self.checkpoints.last()
        if last is None:
            return
        epoch = last.log.epoch
        self.training.resume_from(last.state, epoch, last.log.seconds)
        self.log = replace(last.log, continued_after=[*last.log.continued_after, epoch])
        self.snapshots = last.snapshots
        write_text(self.files.live_history, as_csv(self.log.history))
        print(f"going on after epoch {epoch}", flush=True)

    def _after_epoch(self, row: Row) -> None:
        self.log = replace(
            self.log,
            epoch=self.training.epoch,
            history=[*self.log.history, row],
            seconds=self.training.seconds,
        )
        self._keep_snapshot()
        due = time.monotonic() - self.written_down >= SECONDS_BETWEEN_CHECKPOINTS
        if due or self.stop.is_asked:
            self.checkpoints.keep(self.training.state(), self.log)
            self.written_down, self.epoch_written_down = time.monotonic(), self.training.epoch
        write_text(self.files.live_history, as_csv(self.log.history))
        self.stop.raise_if_asked()
        self.progress.epoch_done(self.training.epoch, row["train_loss"], row["test_loss"])

    def _keep_snapshot(self) -> None:
        """Take and write a snapshot if the settings ask for one after this epoch."""
        if self.training.epoch in self.kept["epochs"]:
            self.checkpoints.keep_snapshot(self.training.epoch, self._take_snapshot())

    def _take_snapshot(self) -> dict[str, Tensor]:
        taken = snapshot(
            self.model, self.data, self.seed, self.kept["samples"], self.kept["manifold"]
        )
        epoch = self.training.epoch
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
