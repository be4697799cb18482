"""A GAN on a Gaussian of one dimension (source 001, "Ejemplo de una Gaussiana"; source 004).

It repeats figure 1 of Goodfellow et al. (2014) with the project's own `gan`. A data point is an
image of one pixel, x ~ N(0.65, 0.1²), within [0, 1] because the generator ends in a sigmoid.
"""

import torch
from torch import Tensor

from latentgrid import models
from latentgrid.data import Batch
from latentgrid.models.gan import GAN
from latentgrid.randomness import random_generator, seed_of
from latentgrid.training.optimizers.adam_gan import AdamGAN
from latentgrid.training.steps import due, take_turns, turns_with

PIXEL = (1, 1, 1)
SETTINGS = {
    "model": "gan",
    "hyperparameters": {"latent_dim": 1, "hidden": 32, "discriminator_steps": 5},
}
LEARNING_RATE = 1e-2
MEAN, DEVIATION = 0.65, 0.1  # the untrained generator draws near 0.5
BATCH = 100
RECORDED = (0, 10, 25, 100, 400, 2000)  # recorded after so many batches
SAMPLES = 10_000
PLACES = 401  # the number of points x at which the discriminator is evaluated
CODES = 21  # the number of codes z for which G(z) is recorded


def run() -> dict[str, Tensor]:
    """Train the GAN on new draws at each step, and record both players after some of the steps.

    Returns:
        step (t,), the number of batches seen; x (k,), the points at which D is evaluated;
        discriminator (t, k), D(x); samples (t, n); z (c,), the quantiles of the prior in the middle
        of c equal shares; mapped (t, c), G(z); mean and deviation of the data, scalars.
    """
    model = build_gan()
    turns = turns_with(model, AdamGAN, LEARNING_RATE)
    data, noise = (
        random_generator(0, "experiment gan_toy data"),
        random_generator(0, "experiment gan_toy noise"),
    )
    x = torch.linspace(0, 1, PLACES)
    z = torch.special.ndtri((torch.arange(CODES) + 0.5) / CODES)
    seen = []
    for step in range(RECORDED[-1] + 1):
        if step > 0:
            take_turns(due(turns, step), draw_batch(data), noise)
        if step in RECORDED:
            seen.append(observe(model, x, z))
    constants = {"mean": torch.tensor(MEAN), "deviation": torch.tensor(DEVIATION), "x": x, "z": z}
    recorded = {name: torch.stack([row[name] for row in seen]) for name in seen[0]}
    return constants | recorded | {"step": torch.tensor(RECORDED)}


def build_gan() -> GAN:
    """Build the GAN with its initial weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(0, "experiment gan_toy construction"))
        model = models.build(SETTINGS, PIXEL, classes=1)
    assert isinstance(model, GAN)
    model.initialise(random_generator(0, "experiment gan_toy weights"))
    return model


def draw_batch(draws: torch.Generator) -> Batch:
    """Draw data points."""
    points = torch.empty(BATCH, *PIXEL).normal_(MEAN, DEVIATION, generator=draws)
    return Batch(points, torch.zeros(BATCH, dtype=torch.int64))


@torch.no_grad()
def observe(model: GAN, x: Tensor, z: Tensor) -> dict[str, Tensor]:
    """Return D(x), G(z) and samples; the samples are made from the same codes each time."""
    samples = model.sample(SAMPLES, random_generator(0, "experiment gan_toy samples"))
    return {
        "discriminator": model.discriminator(x.reshape(-1, *PIXEL)).squeeze(1).sigmoid(),
        "mapped": model.decode(z[:, None]).flatten(),
        "samples": samples.flatten(),
    }
