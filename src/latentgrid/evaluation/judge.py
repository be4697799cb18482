"""The judge's scores: the probabilities that a classifier of the grid gives other runs' images."""

from collections.abc import Callable

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from latentgrid import models
from latentgrid.data import to_unit_interval
from latentgrid.evaluation.fitted import fitted
from latentgrid.files.atomic import save
from latentgrid.models import Corrupter, Decoder, Encoder
from latentgrid.randomness import random_generator
from latentgrid.results.loaded import LoadedModel, load_model
from latentgrid.results.trained import Array, TrainedRun

Classify = Callable[[Tensor], Tensor]
DRAWS = 1000
FITTED_TO = 10_000


def load_judge(run: TrainedRun) -> Classify | None:
    """Return the trained classifier's function from images to log-probabilities.

    Returns None if its training diverged; then no run gets scores.
    """
    if not run.outcome.is_finished:
        return None
    judge = load_model(run)
    assert isinstance(judge, models.Classifier)
    return judge.classify


def write_scores(run: TrainedRun, scores: dict[str, Tensor]) -> None:
    """Write the judge's probabilities for a run's images."""
    save(run.files.judged, lambda part: save_file(scores, part))


@torch.no_grad()
def score(run: TrainedRun, classify: Classify, training: Array, test: Array) -> dict[str, Tensor]:
    """Return the judge's probabilities (n, classes), float32, for each kind of image of a run.

    The kinds are the run's last `samples`, and those that `decode_codes` returns.
    """
    images = decode_codes(run, training, test) if run.outcome.is_finished else {}
    samples = run.last("samples")
    if samples is not None:
        images["samples"] = samples
    return {name: probabilities(classify, made) for name, made in images.items()}


@torch.no_grad()
def probabilities(classify: Classify, images: Array) -> Tensor:
    """Return a classifier's probabilities (n, classes), float32, of uint8 images (n, c, h, w)."""
    return classify(to_unit_interval(torch.from_numpy(images))).exp().contiguous()


def decode_codes(run: TrainedRun, training: Array, test: Array) -> dict[str, Array]:
    """Decode three kinds of codes to uint8 images (n, c, h, w).

    - `prior_draws`: draws of N(0, I), the same for all runs with the same seed and dimension,
      whether or not the model was trained with this prior;
    - `fitted_draws`: the same draws, transformed to the mean and covariance of the training images'
      codes;
    - `reconstructions`: the test images' codes.

    Returns nothing for a model that does not encode and decode, or that removes damage.
    """
    model = load_model(run)
    if isinstance(model, Corrupter) or not (
        isinstance(model, Encoder) and isinstance(model, Decoder)
    ):
        return {}
    loaded = LoadedModel(model)
    draws = torch.randn(
        DRAWS, model.latent_dim, generator=random_generator(run.config.settings["seed"], "judged")
    ).numpy()
    codes = loaded.encode(training).astype(np.float64)
    return {
        "prior_draws": loaded.decode(draws),
        "fitted_draws": loaded.decode(fitted(codes, draws)),
        "reconstructions": loaded.reconstruct(test),
    }
