"""The training step of a stack: it locks the runs, takes a GPU, and trains them together."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from latentgrid.errors import UserError
from latentgrid.files.atomic import write_json
from latentgrid.files.layout import Layout
from latentgrid.files.run_files import RunFiles
from latentgrid.jobs.devices import NEEDS_GPU, take_device
from latentgrid.jobs.step import run_step
from latentgrid.steps.train import STOPPED, code_digest_of, only_here, reason_of, settings_of


def main(
    runs: Annotated[list[str], typer.Argument(help="all of the stack, by their names in the plan")],
    train: Annotated[list[str], typer.Option(help="one of them that is to be trained")],
    dataset: Annotated[str, typer.Option()],
    stack: Annotated[Path, typer.Option(help="the file to write when all are trained")],
    device: Annotated[str, typer.Option(help="auto or cuda")] = "auto",
    jobs_per_gpu: Annotated[int, typer.Option(help="jobs that may share a GPU")] = 1,
    cuda_graphs: Annotated[bool, typer.Option(help="replay captured steps on a GPU")] = True,
) -> None:
    """Train runs of a stack of the plan, or resume them."""
    layout = Layout(dataset)
    files = [layout.run(run) for run in runs]
    places = [runs.index(run) for run in train]
    trained = [files[place] for place in places]
    with ExitStack() as held:
        for of_one in trained:
            held.enter_context(only_here(of_one))
            of_one.failure.unlink(missing_ok=True)
            of_one.live_history.unlink(missing_ok=True)
        try:
            taken, _slot = take_device(device, jobs_per_gpu)
            if taken != "cuda":
                raise UserError(NEEDS_GPU)
            from latentgrid.training.stacked import StackedRun, train_stack

            settings = [settings_of(layout, run) for run in runs]
            digests = [
                code_digest_of(run, of_one) for run, of_one in zip(runs, settings, strict=True)
            ]
            members = map(StackedRun, settings, files, digests)
            train_stack(list(members), places, layout.images, taken, cuda_graphs)
        except KeyboardInterrupt:
            _write_failures(trained, STOPPED)
            sys.exit(STOPPED)
        except BaseException as error:
            _write_failures(trained, reason_of(error))
            raise
    write_json(stack, {"runs": runs})


def _write_failures(files: Sequence[RunFiles], reason: str) -> None:
    for of_one in files:
        write_json(of_one.failure, {"reason": reason})


if __name__ == "__main__":
    run_step(main)
