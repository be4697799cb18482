"""The training step: one run, from its settings to its history, weights and snapshots.

torch is imported only after the device is chosen.
"""

import csv
import io
import json
import shutil
import socket
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from filelock import FileLock, Timeout

from latentgrid.errors import UserError
from latentgrid.files import save, write_json, write_text
from latentgrid.provenance import code_version, library_versions
from latentgrid.run_files import RunFiles
from latentgrid.step import run_step
from latentgrid.training.devices import take_device
from latentgrid.training.parent import die_with_parent

# Whoever looks whether a run trains holds its lock for less than a moment.
SECONDS_FOR_A_LOOK = 1


def main(
    settings: Annotated[str, typer.Option(help="the run's settings as JSON")],
    images: Annotated[Path, typer.Option(help="the data set's tensors")],
    folder: Annotated[Path, typer.Option(help="where the results go")],
    state: Annotated[Path, typer.Option(help="where an unfinished run keeps what it has")],
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    jobs_per_gpu: Annotated[int, typer.Option(help="jobs that may share a GPU")] = 1,
) -> None:
    """Train one run."""
    die_with_parent()
    files = RunFiles(folder, state)
    with _only_here(files):
        files.failure.unlink(missing_ok=True)
        files.live_history.unlink(missing_ok=True)
        try:
            place, _slot = take_device(device, jobs_per_gpu)
            train_run(json.loads(settings), images, files, place)
        except BaseException as error:
            write_json(files.failure, {"reason": _reason(error)})
            raise
        shutil.rmtree(files.state)


def train_run(settings: Mapping[str, Any], images: Path, files: RunFiles, place: str) -> None:
    """Train one run on the device `place` and write its files."""
    import torch
    from safetensors.torch import save_file

    from latentgrid import models
    from latentgrid.data import Images, load_images
    from latentgrid.randomness import generator, seed_of
    from latentgrid.training.loop import Row, train
    from latentgrid.training.progress import Progress
    from latentgrid.training.snapshots import snapshot

    torch.set_num_threads(1)
    if place == "cuda":  # one CPU thread needs no such care, and the call takes seconds to import
        torch.use_deterministic_algorithms(True)
    stored = load_images(images)
    tensors = {name: tensor.to(place) for name, tensor in stored.tensors().items()}
    data = Images(**tensors, checksum=stored.checksum)
    seed = settings["seed"]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "construction"))
        model = models.build(settings, data.shape)
    model.initialise(generator(seed, "weights"))
    model.to(torch.device(place), memory_format=torch.channels_last)  # type: ignore[call-overload]

    progress = Progress(settings["epochs"])
    history: list[Row] = []
    snapshots: dict[str, torch.Tensor] = {}
    kept = settings["snapshots"]

    def after_epoch(epoch: int, row: Row | None) -> None:
        if row is not None:
            history.append(row)
            write_text(files.live_history, as_csv(history))
            progress.epoch_done(epoch, row["train_loss"], row["test_loss"])
        if epoch in kept["epochs"]:
            keep(epoch)

    def keep(epoch: int) -> None:
        taken = snapshot(model, data, seed, kept["samples"], kept["manifold"])
        snapshots.update({f"{epoch}/{name}": tensor for name, tensor in taken.items()})

    started = datetime.now(UTC)
    outcome = train(model, data, settings, after_epoch)
    if outcome.diverged:
        keep(outcome.epochs)
        print(f"diverged: {outcome.diverged}; keeping epoch {outcome.epochs}", flush=True)

    weights = {name: value.cpu().contiguous() for name, value in model.state_dict().items()}
    save(files.weights, lambda part: save_file(weights, part))
    save(files.snapshots, lambda part: save_file(snapshots, part))
    write_text(files.history, as_csv(history))
    write_json(
        files.config,
        {
            "settings": settings,
            "image shape": list(data.shape),
            "parameters": models.parameter_count(model),
            "description": (type(model).__doc__ or "").splitlines()[0],
            "terms": model.terms,
            "total": model.total,
            "batch total": model.batch_total,
            "data sha256": data.checksum,
            "code": code_version(),
            "libraries": library_versions(),
            "device": torch.cuda.get_device_name() if place == "cuda" else "cpu",
        },
    )
    write_json(
        files.timing,
        {
            "host": socket.gethostname(),
            "started": started.isoformat(timespec="seconds"),
            "ended": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds per epoch": outcome.seconds,
        },
    )
    write_json(
        files.outcome,
        {
            "status": "diverged" if outcome.diverged else "finished",
            "reason": outcome.diverged,
            "epochs": outcome.epochs,
        },
    )


def as_csv(rows: Iterable[Mapping[str, float]]) -> str:
    """Return rows with equal keys as CSV; floats as the shortest text that reads back the same."""
    rows = list(rows)
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue()


def _only_here(files: RunFiles) -> AbstractContextManager[object]:
    """Hold the run's lock, so that no other process trains it at the same time."""
    files.state.mkdir(parents=True, exist_ok=True)
    try:
        return FileLock(files.lock).acquire(timeout=SECONDS_FOR_A_LOOK)
    except Timeout:
        raise UserError(f"{files.folder} is being trained by another process") from None


def _reason(error: BaseException) -> str:
    text = str(error).splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__


if __name__ == "__main__":
    run_step(main)
