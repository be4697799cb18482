"""The training step: where and whether a run is trained here, and what is said if it fails.

The device is chosen before torch starts CUDA.
"""

import json
import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated

import typer
from filelock import FileLock, Timeout

from latentgrid.errors import UserError
from latentgrid.files import write_json
from latentgrid.run_files import RunFiles
from latentgrid.step import run_step
from latentgrid.training.devices import take_device

# Whoever looks whether a run trains holds its lock for less than a moment.
SECONDS_FOR_A_LOOK = 1


def main(
    settings: Annotated[str, typer.Option(help="the run's settings as JSON")],
    images: Annotated[Path, typer.Option(help="the data set's tensors")],
    folder: Annotated[Path, typer.Option(help="where the results go")],
    state: Annotated[Path, typer.Option(help="where an unfinished run keeps what it has")],
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    jobs_per_gpu: Annotated[int, typer.Option(help="jobs that may share a GPU")] = 1,
    cuda_graphs: Annotated[bool, typer.Option(help="replay captured steps on a GPU")] = True,
) -> None:
    """Train one run, or go on with it."""
    files = RunFiles(folder, state)
    with _only_here(files):
        files.failure.unlink(missing_ok=True)
        files.live_history.unlink(missing_ok=True)
        try:
            place, _slot = take_device(device, jobs_per_gpu)
            from latentgrid.training.run import train_run

            train_run(json.loads(settings), images, files, place, cuda_graphs)
        except BaseException as error:
            write_json(files.failure, {"reason": _reason(error)})
            raise
        shutil.rmtree(files.state)


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
