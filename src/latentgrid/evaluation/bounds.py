"""Bounds on the log-likelihood of binary images, in nats, in one definition for all models.

An image x has the likelihood p(x) = ∫ p(z)·p(x│z) dz, where p(x│z) is Bernoulli in each pixel with
the decoded image as its mean, also for a model that was trained with the squared error. The
encoders were trained on grey pixels and see binary ones here. That makes the bounds looser, but
does not change p(x), which does not depend on the encoder.
"""

from collections.abc import Mapping
from math import isfinite, log, sqrt

import torch
from torch import Tensor

from latentgrid.data import to_unit_interval
from latentgrid.models import LatentVariableModel
from latentgrid.nets.layout import move
from latentgrid.randomness import random_generator
from latentgrid.results.loaded import load_model
from latentgrid.results.trained import Array, TrainedRun

# Decoded pixels reach 0 and 1, where one wrong pixel would make the whole image impossible. Cut to
# [ε, 1 − ε], a perfect image of 28×28 pixels costs 0.08 nats.
EPSILON = 1e-4
CODES_AT_ONCE = 250  # decoding so many takes up to 100 MB


def binarised(images: Array) -> Tensor:
    """Draw binary images, float32, from uint8 ones: a pixel is 1 with its intensity as probability.

    Every call makes the same draws.
    """
    intensities = to_unit_interval(torch.from_numpy(images))
    return torch.bernoulli(intensities, generator=random_generator(0, "binarisation"))


def of_run(run: TrainedRun, images: Tensor, draws: int) -> dict[str, float]:
    """Return the bounds of a run's model on binary images (n, c, h, w); nothing if it diverged.

    Each bound of `of_each` is averaged over the images; `…_se` is its standard error over the
    images. `likelihood_images` and `likelihood_draws` are the numbers of images and draws. Values
    that are not finite, as after a variance has overflowed, are left out.
    """
    if not run.outcome.is_finished:
        return {}
    model = load_model(run)
    move(model, images.device)
    assert isinstance(model, LatentVariableModel)
    noise = random_generator(run.config.settings["seed"], "likelihood")
    values = {
        **over_images(of_each(model, images, draws, noise)),
        "likelihood_images": len(images),
        "likelihood_draws": draws,
    }
    return {name: value for name, value in values.items() if isfinite(value)}


@torch.no_grad()
def of_each(
    model: LatentVariableModel, images: Tensor, draws: int, noise: torch.Generator
) -> dict[str, Tensor]:
    """Return bounds on log p(x) of binary images (n, c, h, w), each (n,), float64, in nats.

    With the given number K of draws z of q(z│x), and w = p(z)·p(x│z) / q(z│x):

    - `elbo`: the mean of log w (Kingma and Welling 2014, eq. 2);
    - `importance_bound`: log of the mean of w, which has log p(x) as its limit for K → ∞ (Burda,
      Grosse and Salakhutdinov 2016, "Importance weighted autoencoders", eq. 8);
    - `rate`: the mean of log q(z│x) − log p(z), at least 0 but for the error of the draws;
    - `distortion`: the mean of −log p(x│z) (Alemi et al. 2018, "Fixing a broken ELBO", section 2);
      elbo = −rate − distortion.
    """
    rows = [_of_one(model, image, draws, noise) for image in torch.split(images, 1)]
    return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}


def _of_one(
    model: LatentVariableModel, image: Tensor, draws: int, noise: torch.Generator
) -> dict[str, Tensor]:
    """Return the bounds of one image (1, c, h, w); decodes `CODES_AT_ONCE` codes at a time."""
    codes, log_posterior = model.propose(image, draws, noise)
    parts = torch.split(codes.squeeze(1), CODES_AT_ONCE)
    log_prior = torch.cat([model.log_prior(part) for part in parts])
    distortion = torch.cat([_distortion(model.decode(part), image) for part in parts]).double()
    rate = log_posterior.squeeze(1).double() - log_prior.double()
    log_weights = -rate - distortion
    return {
        "elbo": log_weights.mean(),
        "importance_bound": log_weights.logsumexp(dim=0) - log(draws),
        "rate": rate.mean(),
        "distortion": distortion.mean(),
    }


def _distortion(decoded: Tensor, image: Tensor) -> Tensor:
    """Return −log p(x│z) of an image (1, c, h, w) for decoded means (k, c, h, w), (k,), nats."""
    means = decoded.clamp(EPSILON, 1 - EPSILON)
    return -torch.where(image > 0, means, 1 - means).log().flatten(1).sum(dim=1)


def over_images(values: Mapping[str, Tensor]) -> dict[str, float]:
    """Return the mean of each (n,) tensor by its name, and its standard error as `…_se`; n ≥ 2."""
    means = {name: float(of_images.mean()) for name, of_images in values.items()}
    errors = {
        f"{name}_se": float(of_images.std()) / sqrt(len(of_images))
        for name, of_images in values.items()
    }
    return means | errors
