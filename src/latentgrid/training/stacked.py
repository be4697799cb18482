"""Trains the runs of a stack and writes the files of each, as `run` does for one run."""

import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from latentgrid.data import Images
from latentgrid.errors import UserError
from latentgrid.files.atomic import read_json, sha256
from latentgrid.files.run_files import RunFiles
from latentgrid.grid import plugins
from latentgrid.models import Model
from latentgrid.provenance import code_version
from latentgrid.training import run as single
from latentgrid.training.checkpoints import Checkpoint
from latentgrid.training.machine import write_machine
from latentgrid.training.run import UnfinishedRun
from latentgrid.training.stack import Stack
from latentgrid.training.stopping import Stop


@dataclass(frozen=True)
class StackedRun:
    """A run of a stack.

    Attributes:
        settings: of the run.
        files: of the run; what a training makes goes to `files.of_stack`.
        code_digest: of the code that trains it (`stamps.code.code_of`).
    """

    settings: Mapping[str, Any]
    files: RunFiles
    code_digest: str


@dataclass(frozen=True)
class _Built:
    """A run with its untrained model and the content of its `config.json`."""

    run: StackedRun
    model: Model
    made_by: Mapping[str, Any]


def train_stack(
    runs: Sequence[StackedRun],
    places: Collection[int],
    images: Path,
    device: str,
    cuda_graphs: bool = True,
) -> None:
    """Train runs of a stack, from their last common checkpoint if they have one.

    The files of a run are written as soon as it is done. A run that has them is not trained again.
    The others keep their places, on which the last bits may depend.

    Args:
        runs: all of the stack; they differ in optimizer, learning rate and seed alone, and the
            setting `fused` is the number of the stack's places.
        places: of the runs to train, from 0 on.
        images: the file with the data set's tensors.
        device: "cuda"; or "cpu", which gains nothing and serves tests.
        cuda_graphs: whether a GPU replays steps as CUDA graphs.

    Raises:
        Stopped: the process was asked to end; the next call resumes the trainings.
    """
    began = datetime.now(UTC)
    commit = code_version(root.folder for root in plugins.roots())
    single.prepare(device)
    data = single.load_data(images, device)
    built = [_built(run, data, commit, device) for run in runs]
    left = [place for place in places if not _is_done(built[place])]
    if not left:
        return
    stack = Stack(
        [one.model for one in built],
        data,
        [run.settings for run in runs],
        runs[0].settings["fused"],
        single.mode_on(device, cuda_graphs),
        left_out=set(range(len(runs))) - set(left),
    )
    unfinished = {
        place: UnfinishedRun(
            stack.members[place],
            data,
            runs[place].settings,
            runs[place].files.of_stack,
            built[place].made_by,
        )
        for place in left
    }
    _resume(list(unfinished.values()))
    _train_to_the_end(stack, unfinished, began)


def _built(run: StackedRun, data: Images, commit: str, device: str) -> _Built:
    model = single.new_model(run.settings, data, device)
    return _Built(
        run, model, single.made_with(model, data, run.settings, (commit, run.code_digest))
    )


def _is_done(one: _Built) -> bool:
    """Tell whether the stack has left the run's files already, whole and made as they would be."""
    files = one.run.files.of_stack
    with contextlib.suppress(FileNotFoundError, UserError):
        written = read_json(files.outcome, "sha256")["sha256"]
        alike = single.fingerprint(read_json(files.config)) == single.fingerprint(one.made_by)
        return alike and written == {path.name: sha256(path) for path in files.results}
    return False


def _resume(unfinished: Sequence[UnfinishedRun]) -> None:
    """Set all runs to the last epoch of which every one has a checkpoint, or to the beginning."""
    kept: list[dict[int, Checkpoint]] = [
        {found.log.epoch: found for found in run.checkpoints.complete()} for run in unfinished
    ]
    common = set(kept[0]).intersection(*kept)
    for run, found in zip(unfinished, kept, strict=True):
        if common:
            run.resume(found[max(common)])
        else:
            run.checkpoints.clear()


def _train_to_the_end(
    stack: Stack, unfinished: Mapping[int, UnfinishedRun], began: datetime
) -> None:
    stop = Stop(lambda: all(unfinished[place].is_written_down for place in stack.in_training))
    for run in unfinished.values():
        run.begin()
    _write_results([run for run in unfinished.values() if run.training.is_done], began)
    with stop.on_signals():
        while training := stack.in_training:
            _train_for_an_epoch(stack, unfinished)
            # Runs that ended come first: a run whose files are there needs no common checkpoint.
            _write_results(
                [unfinished[place] for place in training if place not in stack.in_training], began
            )
            _write_down([unfinished[place] for place in stack.in_training], stop)
            stop.raise_if_asked()


def _train_for_an_epoch(stack: Stack, unfinished: Mapping[int, UnfinishedRun]) -> None:
    before = {place: stack.members[place].weights() for place in stack.in_training}
    for place, row in stack.next_epoch().items():
        if stack.members[place].end_epoch(row, before[place]):
            unfinished[place].take_note(row)
    epochs = [stack.members[place].epoch for place in before]
    print(f"epoch {max(epochs)}/{stack.members[0].epochs}, runs: {len(before)}", flush=True)


def _write_results(ended: Sequence[UnfinishedRun], began: datetime) -> None:
    for run in ended:
        run.end()
        run.write_results(began)
        write_machine(run.files)


def _write_down(going_on: Sequence[UnfinishedRun], stop: Stop) -> None:
    """Write checkpoints of all runs, after an epoch and so rarely that it takes little time."""
    seconds = single.SECONDS_BETWEEN_CHECKPOINTS * len(going_on)
    if stop.is_asked or any(run.unwritten_seconds >= seconds for run in going_on):
        for run in going_on:
            run.write_down()
