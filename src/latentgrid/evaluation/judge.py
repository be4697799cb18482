"""The judging step: what a classifier of the same grid takes the samples of other runs for."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import torch
import typer
from safetensors.torch import load_file, save_file
from torch import Tensor

from latentgrid import models
from latentgrid.data import to_unit_interval
from latentgrid.errors import UserError
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
    first = next(planned["name"] for planned in plan if planned["entry"] == judge)
    classify = load_judge(TrainedRun(layout.run(first)), first)
    for planned in plan:
        run = TrainedRun(layout.run(planned["name"]))
        if run.ended:
            write_verdict(run, classify, run.files.judged)
            print(planned["name"], flush=True)


def load_judge(run: TrainedRun, name: str) -> Classify:
    """Return the trained classifier's function from images to log-probabilities.

    Raises:
        UserError: its training diverged.
    """
    if run.outcome["status"] != "finished":
        raise UserError(
            f"evaluation.judge: {name} {run.outcome['status']}: {run.outcome['reason']}"
        )
    settings = run.config["settings"]
    kind = models.load(settings["model"])
    judge = kind(tuple(run.config["image shape"]), **settings["hyperparameters"])
    judge.load_state_dict(load_file(run.files.weights))
    judge.eval()
    assert isinstance(judge, models.Classifier)
    return judge.classify


@torch.no_grad()
def write_verdict(run: TrainedRun, classify: Classify, path: Path) -> None:
    """Write `probabilities` (samples, classes), float32; nothing for a run without samples."""
    samples = run.last("samples")
    verdict = {}
    if samples is not None:
        images = to_unit_interval(torch.from_numpy(samples))
        verdict["probabilities"] = classify(images).exp().contiguous()
    save(path, lambda part: save_file(verdict, part))


if __name__ == "__main__":
    run_step(main)
