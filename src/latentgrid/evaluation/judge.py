"""The judging step: what a classifier of the same grid takes the images of other runs for."""

from collections.abc import Callable
from typing import Annotated

import numpy as np
import torch
import typer
from safetensors.torch import save_file
from torch import Tensor

from latentgrid import models
from latentgrid.data import to_unit_interval
from latentgrid.evaluation.fitted import fitted
from latentgrid.files.atomic import save
from latentgrid.files.layout import Layout
from latentgrid.jobs.step import run_step
from latentgrid.models import Corrupter, Decoder, Encoder
from latentgrid.randomness import generator
from latentgrid.results.loaded import Restored, restore
from latentgrid.results.trained import (
    Array,
    TrainedRun,
    load_test_set,
    load_training_images,
)

Classify = Callable[[Tensor], Tensor]
DRAWS = 1000
FITTED_TO = 10_000


def main(
    dataset: Annotated[str, typer.Option()],
    judge: Annotated[str, typer.Option(help="the run that judges")],
    names: Annotated[list[str], typer.Argument(help="the runs that are judged")],
) -> None:
    """Judge what runs make."""
    layout = Layout(dataset)
    classify = load_judge(TrainedRun(layout.run(judge)))
    print(f"judged by {judge}" if classify else f"no verdict, as {judge} diverged", flush=True)
    training = load_training_images(layout.images, FITTED_TO)
    test = load_test_set(layout.images).first(DRAWS).images
    for run in (TrainedRun(layout.run(name)) for name in names):
        write_verdict(run, judge_run(run, classify, training, test) if classify else {})


def load_judge(run: TrainedRun) -> Classify | None:
    """Return the trained classifier's function from images to log-probabilities.

    None if its training diverged: then no one is judged.
    """
    if run.outcome["status"] != "finished":
        return None
    judge = restore(run)
    assert isinstance(judge, models.Classifier)
    return judge.classify


def write_verdict(run: TrainedRun, verdict: dict[str, Tensor]) -> None:
    """Write what the judge says of a run's images."""
    save(run.files.judged, lambda part: save_file(verdict, part))


@torch.no_grad()
def judge_run(
    run: TrainedRun, classify: Classify, training: Array, test: Array
) -> dict[str, Tensor]:
    """Return the judge's probabilities (n, classes), float32, of each kind of image a run makes.

    `samples` are the run's last; what a model that encodes and decodes makes of codes is
    `made_of_codes`'s.
    """
    images = made_of_codes(run, training, test) if run.outcome["status"] == "finished" else {}
    samples = run.last("samples")
    if samples is not None:
        images["samples"] = samples
    return {
        name: classify(to_unit_interval(torch.from_numpy(made))).exp().contiguous()
        for name, made in images.items()
    }


def made_of_codes(run: TrainedRun, training: Array, test: Array) -> dict[str, Array]:
    """Return uint8 images (n, c, h, w) decoded from three kinds of codes.

    `prior_draws`: of draws of N(0, I), the same for all runs with one seed and dimension, whether
    or not the model was trained for them; `fitted_draws`: of the same draws moved to the mean and
    covariance of the training images' codes; `reconstructions`: of the test images' codes. Empty
    for a model that does not encode and decode, and for one that removes damage.
    """
    model = restore(run)
    if isinstance(model, Corrupter) or not (
        isinstance(model, Encoder) and isinstance(model, Decoder)
    ):
        return {}
    restored = Restored(model)
    draws = torch.randn(
        DRAWS, model.latent_dim, generator=generator(run.config["settings"]["seed"], "judged")
    ).numpy()
    codes = restored.encode(training).astype(np.float64)
    return {
        "prior_draws": restored.decode(draws),
        "fitted_draws": restored.decode(fitted(codes, draws)),
        "reconstructions": restored.reconstruct(test),
    }


if __name__ == "__main__":
    run_step(main)
