"""Bounds on the log-likelihood of binary images, in nats, whatever a model was trained on.

An image x has the likelihood p(x) = ∫ p(z)·p(x│z) dz, where p(x│z) is Bernoulli in each pixel with
the decoded image as its mean, also for a model that was trained by the squared error. The encoders
were trained on grey pixels and are shown binary ones here: that loosens the bounds, and p(x) itself
does not depend on the encoder.
"""

from collections.abc import Mapping
from math import isfinite, log, sqrt

import torch
from torch import Tensor

from latentgrid.data import to_unit_interval
from latentgrid.models import LatentVariableModel
from latentgrid.randomness import random_generator
from latentgrid.results.loaded import load_model
from latentgrid.results.trained import Array, TrainedRun

# Outputs that are not clamped, and saturated sigmoids, reach 0 and 1, where one pixel would be
# infinitely unlikely. Cut to [ε, 1 − ε], a perfect image of 28×28 pixels costs 0.08 nats.
EPSILON = 1e-4
CODES_AT_ONCE = 250  # which take up to 100 MB as they pass through a decoder


def binarised(images: Array) -> Tensor:
    """Return uint8 images as 0 and 1, float32, each pixel 1 with probability its intensity.

    Every call makes the same draws.
    """
    intensities = to_unit_interval(torch.from_numpy(images))
    return torch.bernoulli(intensities, generator=random_generator(0, "binarisation"))


def of_run(run: TrainedRun, images: Tensor, draws: int) -> dict[str, float]:
    """Return the bounds of a run's model on binary images (n, c, h, w); nothing if it diverged.

    What `of_each` gives, as means over the images and, its names ending in `_se`, their standard
    errors over the images; `likelihood_images` and `likelihood_draws`, how many there were. What is
    not finite is left out: a variance that overflows gives no bound.
    """
    if not run.outcome.is_finished:
        return {}
    # Convolutions of these shapes are faster in this layout.
    model = load_model(run).to(images.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    assert isinstance(model, LatentVariableModel)
    noise = random_generator(run.config.settings["seed"], "likelihood")
    figures = {
        **over_images(of_each(model, images, draws, noise)),
        "likelihood_images": len(images),
        "likelihood_draws": draws,
    }
    return {name: value for name, value in figures.items() if isfinite(value)}


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
    """Return the bounds of one image (1, c, h, w); no more than some codes are decoded at once."""
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
    """Return the means of values (n,) by name, and as `…_se` their standard errors; n ≥ 2."""
    means = {name: float(of_images.mean()) for name, of_images in values.items()}
    errors = {
        f"{name}_se": float(of_images.std()) / sqrt(len(of_images))
        for name, of_images in values.items()
    }
    return means | errors
