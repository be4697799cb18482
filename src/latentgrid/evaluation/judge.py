"""The judging step: what a classifier of the same grid takes the samples of other runs for."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import torch
import typer
from safetensors.torch import save_file
from torch import Tensor

from latentgrid import models
from latentgrid.data import to_unit_interval
from latentgrid.evaluation.restore import restore
from latentgrid.evaluation.trained import TrainedRun
from latentgrid.files import save
from latentgrid.grid import read_plan
from latentgrid.paths import Layout
from latentgrid.step import run_step

Classify = Callable[[Tensor], Tensor]


def main(
    dataset: Annotated[str, typer.Option()],
    judge: Annotated[str, typer.Option(help="entry of the judge, of which the first run judges")],
) -> None:
    """Judge the last samples of all runs."""
    layout = Layout(dataset)
    plan = read_plan(layout.plan)
    runs = {planned["name"]: TrainedRun(layout.run(planned["name"])) for planned in plan}
    judges = [planned["name"] for planned in plan if planned["entry"] == judge]
    first = next(name for name in judges if runs[name].ended)
    classify = load_judge(runs[first])
    print(f"judged by {first}" if classify else f"no verdict, as {first} diverged", flush=True)
    for run in runs.values():
        if run.ended:
            write_verdict(run, classify, run.files.judged)


def load_judge(run: TrainedRun) -> Classify | None:
    """Return the trained classifier's function from images to log-probabilities.

    None if its training diverged: then no one is judged.
    """
    if run.outcome["status"] != "finished":
        return None
    judge = restore(run)
    assert isinstance(judge, models.Classifier)
    return judge.classify


@torch.no_grad()
def write_verdict(run: TrainedRun, classify: Classify | None, path: Path) -> None:
    """Write `probabilities` (samples, classes), float32; none without samples or a judge."""
    samples = run.last("samples")
    verdict = {}
    if samples is not None and classify is not None:
        images = to_unit_interval(torch.from_numpy(samples))
        verdict["probabilities"] = classify(images).exp().contiguous()
    save(path, lambda part: save_file(verdict, part))


if __name__ == "__main__":
    run_step(main)
