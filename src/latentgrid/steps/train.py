"""The training step: it locks a run, chooses a device, trains, and writes why a training failed.

It chooses the device before torch starts CUDA.
"""

import shutil
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Annotated, Any

import typer
from filelock import FileLock, Timeout

from latentgrid.errors import UserError
from latentgrid.files.atomic import read_json, sha256, write_json
from latentgrid.files.layout import Layout
from latentgrid.files.run_files import RunFiles
from latentgrid.grid.runs import FUSED, read_plan, trained_by
from latentgrid.jobs import orders
from latentgrid.jobs.devices import take_device
from latentgrid.jobs.step import run_step

# A process that looks whether the run trains holds its lock for less than that.
SECONDS_FOR_A_LOOK = 1
RULE = "train"
STOPPED = "stopped; the same command goes on"
NOT_OF_STACK = (
    "is not what its stack is to leave for this run; alone it would get other bits, so run the "
    "same command again, which trains the stack"
)


def main(
    dataset: Annotated[str, typer.Option()],
    run: Annotated[str, typer.Option(help="its name in the plan")],
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    jobs_per_gpu: Annotated[int, typer.Option(help="jobs that may share a GPU")] = 1,
    cuda_graphs: Annotated[bool, typer.Option(help="replay captured steps on a GPU")] = True,
) -> None:
    """Train one run of the plan, or resume it."""
    layout = Layout(dataset)
    files = layout.run(run)
    with only_here(files):
        files.failure.unlink(missing_ok=True)
        files.live_history.unlink(missing_ok=True)
        try:
            settings = settings_of(layout, run)
            digest = code_digest_of(run, settings)
            if FUSED in settings:
                take_from_stack(layout, run, settings, digest)
            else:
                taken, _slot = take_device(device, jobs_per_gpu)
                from latentgrid.training.machine import write_machine
                from latentgrid.training.run import train_run

                train_run(settings, layout.images, files, taken, digest, cuda_graphs)
                write_machine(files)
        except KeyboardInterrupt:
            write_json(files.failure, {"reason": STOPPED})
            sys.exit(STOPPED)
        except BaseException as error:
            write_json(files.failure, {"reason": reason_of(error)})
            raise
        # The checkpoints go last: until its outcome is stamped, a killed run needs them to resume.
        order = orders.mine()
        if order:
            order.stamp()
        shutil.rmtree(files.state)


def take_from_stack(layout: Layout, run: str, settings: Mapping[str, Any], digest: str) -> None:
    """Move the files that a stack left of a run to their places, the outcome last.

    Args:
        layout: of the data set.
        run: its name in the plan.
        settings: of the run.
        digest: of the code that trains it.

    Raises:
        UserError: there are none, or others than the plan asks for.
    """
    files, left = layout.run(run), layout.run(run).of_stack
    try:
        made = read_json(left.config, "settings", "code digest", "data sha256")
        digests = read_json(left.outcome, "sha256")["sha256"]
        whole = digests == {path.name: sha256(path) for path in left.results}
    except FileNotFoundError as error:
        raise UserError(f"{error.filename}: {NOT_OF_STACK}") from None
    data = read_json(layout.description, "sha256")["sha256"]
    wanted = {"settings": settings, "code digest": digest, "data sha256": data}
    if not whole or {name: made[name] for name in wanted} != wanted:
        raise UserError(f"{left.folder}: {NOT_OF_STACK}")
    files.folder.mkdir(parents=True, exist_ok=True)
    for path in (*left.results, left.timing, left.outcome):
        path.replace(files.folder / path.name)


def code_digest_of(run: str, settings: Mapping[str, Any]) -> str:
    """Return the digest of the code that trains a run.

    A job of the workflow takes it from the run's order, with which the code was compared already.
    """
    if orders.mine():
        return orders.recipe_of(f"{RULE}:{run}").code
    from latentgrid.stamps.code import code_of

    return code_of(*trained_by(settings)).digest


def settings_of(layout: Layout, run: str) -> Mapping[str, Any]:
    """Return the settings of a run of the plan.

    Raises:
        UserError: there is no such run.
    """
    settings = {planned["name"]: planned["settings"] for planned in read_plan(layout.plan)}
    if run not in settings:
        raise UserError(f"{run}: is no run of {layout.plan}")
    found: Mapping[str, Any] = settings[run]
    return found


def only_here(files: RunFiles) -> AbstractContextManager[object]:
    """Take the run's lock, so that no other process trains the run at the same time."""
    files.state.mkdir(parents=True, exist_ok=True)
    try:
        return FileLock(files.lock).acquire(timeout=SECONDS_FOR_A_LOOK)
    except Timeout:
        raise UserError(f"{files.folder} is being trained by another process") from None


def reason_of(error: BaseException) -> str:
    """Return in a line why a training failed."""
    text = str(error).splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__


if __name__ == "__main__":
    run_step(main)
