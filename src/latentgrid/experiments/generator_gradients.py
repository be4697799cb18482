"""How strong the generator's gradients are under either form of its loss (source 004, section 1.2).

The project's own `gan` on scikit-learn's digits of 8×8 pixels, several seeds. Twice: first the
discriminator alone learns while the generator stays untrained, so that both losses are compared on
the same players and the same codes; then both play, with each loss and one or five steps of the
discriminator for each of the generator.
"""

from collections.abc import Sequence
from typing import Any

import torch
from sklearn.datasets import load_digits
from torch import Tensor

from latentgrid import models
from latentgrid.data import Batch
from latentgrid.models import Player
from latentgrid.models.gan import GAN
from latentgrid.randomness import random_generator, seed_of
from latentgrid.training.optimizers.adam_gan import AdamGAN
from latentgrid.training.steps import due, take_turns, turns_with

SHAPE = (1, 8, 8)
MAX_INTENSITY = 16
LOSSES = ("non_saturating", "minimax")
STEPS_OF_DISCRIMINATOR = (1, 5)
SEEDS = 5
LEARNING_RATE = 1e-3
BATCH = 50
BATCHES = 250
EVERY = 10  # batches from one record to the next


def run() -> dict[str, Tensor]:
    """Train and record.

    Returns:
        batches (t,), the number of batches seen. Of the discriminator that learns alone: alone/
        non_saturating and alone/minimax, the norms of the generator's gradient, and alone/judged,
        the mean of D(G(z)). Of each game, as "minimax/5": …/generator and …/discriminator, the
        norms of the players' gradients, and …/judged. All (seeds, t).
    """
    images = torch.from_numpy(load_digits().images).float().reshape(-1, *SHAPE) / MAX_INTENSITY
    recorded = {f"alone/{key}": of for key, of in _over_seeds(images, "alone", 1, alone=True)}
    for loss in LOSSES:
        for steps in STEPS_OF_DISCRIMINATOR:
            of_game = _over_seeds(images, loss, steps, alone=False)
            recorded |= {f"{loss}/{steps}/{key}": of for key, of in of_game}
    return recorded | {"batches": torch.arange(0, BATCHES + 1, EVERY)}


def _over_seeds(images: Tensor, loss: str, steps: int, *, alone: bool) -> list[tuple[str, Tensor]]:
    """Return what each seed recorded, by name, (seeds, t) each."""
    settings = settings_of("non_saturating" if alone else loss, steps)
    rows = [train(images, settings, seed, alone=alone) for seed in range(SEEDS)]
    return [(key, torch.stack([row[key] for row in rows])) for key in rows[0]]


def settings_of(loss: str, steps: int) -> dict[str, Any]:
    """Return the settings of a GAN with this generator loss and so many discriminator steps."""
    return {
        "model": "gan",
        "hyperparameters": {
            "latent_dim": 8,
            "hidden": 64,
            "discriminator_steps": steps,
            "generator_loss": loss,
        },
    }


def train(images: Tensor, settings: dict[str, Any], seed: int, *, alone: bool) -> dict[str, Tensor]:
    """Train a GAN, or its discriminator alone, and return what was recorded, (t,) each."""
    model = build_gan(settings, seed)
    turns = turns_with(model, AdamGAN, LEARNING_RATE)[: 1 if alone else None]
    purposes = ("order", "noise", "observed")
    order, noise, seen = (
        random_generator(seed, f"experiment generator_gradients {purpose}") for purpose in purposes
    )
    rows = []
    for step in range(BATCHES + 1):
        if step > 0:
            take_turns(due(turns, step), draw_batch(images, order), noise)
        if step % EVERY == 0:
            rows.append(_observed(model, draw_batch(images, seen), seed, alone=alone))
    return {key: torch.stack([row[key] for row in rows]) for key in rows[0]}


def build_gan(settings: dict[str, Any], seed: int) -> GAN:
    """Build the GAN with its initial weights, the same for both losses."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "experiment generator_gradients construction"))
        model = models.build(settings, SHAPE, classes=1)
    assert isinstance(model, GAN)
    model.initialise(random_generator(seed, "experiment generator_gradients weights"))
    return model


def draw_batch(images: Tensor, rng: torch.Generator) -> Batch:
    """Draw images with replacement."""
    chosen = torch.randint(len(images), (BATCH,), generator=rng)
    return Batch(images[chosen], torch.zeros(BATCH, dtype=torch.int64))


def _observed(model: GAN, batch: Batch, seed: int, *, alone: bool) -> dict[str, Tensor]:
    """Return gradient norms and the mean of D(G(z)), on the same codes at each record."""
    discriminator, generator = model.players()
    row = {"judged": _judged(model, batch, _codes(seed))}
    if not alone:
        return row | {
            "discriminator": gradient_norm(discriminator, batch, _codes(seed)),
            "generator": gradient_norm(generator, batch, _codes(seed)),
        }
    for loss in LOSSES:
        model.generator_loss = loss
        row[loss] = gradient_norm(generator, batch, _codes(seed))
    return row


def _codes(seed: int) -> torch.Generator:
    return random_generator(seed, "experiment generator_gradients codes")


@torch.no_grad()
def _judged(model: GAN, batch: Batch, codes: torch.Generator) -> Tensor:
    return model.values(model.fakes(batch, codes), batch).sigmoid().mean()


def gradient_norm(player: Player, batch: Batch, rng: torch.Generator) -> Tensor:
    """Return the Euclidean norm of the gradient of a player's objective, a scalar."""
    slopes: Sequence[Tensor] = torch.autograd.grad(
        player.objective(player.losses(batch, rng)), player.parameters
    )
    return torch.stack([slope.square().sum() for slope in slopes]).sum().sqrt()
