"""The likelihood step: it bounds the log-likelihood of test images under one run's model.

It chooses the device before torch starts CUDA.
"""

from typing import Annotated

import typer

from latentgrid.files.atomic import write_json
from latentgrid.files.layout import Layout
from latentgrid.jobs.devices import take_device
from latentgrid.jobs.step import run_step
from latentgrid.results.trained import TrainedRun, load_test_set


def main(
    dataset: Annotated[str, typer.Option()],
    run: Annotated[str, typer.Option(help="its name in the plan")],
    images: Annotated[int, typer.Option(help="take the first so many test images, binarised")],
    draws: Annotated[int, typer.Option(help="draws of the posterior for each image")],
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    jobs_per_gpu: Annotated[int, typer.Option(help="jobs that may share a GPU")] = 1,
) -> None:
    """Bound the log-likelihood of test images under a run that has a result."""
    taken, _slot = take_device(device, jobs_per_gpu)
    write_bounds(Layout(dataset), run, images, draws, taken)


def write_bounds(layout: Layout, run: str, images: int, draws: int, device: str) -> None:
    """Write the bounds of a run on the first test images, computed on a device."""
    from latentgrid.evaluation import bounds
    from latentgrid.training.determinism import compute_deterministically

    compute_deterministically(device)
    test = load_test_set(layout.images).first(images)
    binary = bounds.binarised(test.images).to(device)
    trained = TrainedRun(layout.run(run))
    write_json(trained.files.likelihood, bounds.of_run(trained, binary, draws))
    print(run, flush=True)


if __name__ == "__main__":
    run_step(main)
