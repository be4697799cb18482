"""Denoising points of the plane (source 003, "Denoising Auto-encoders", "Ejemplo 2D").

A dense network h is trained with the squared error to return a point x from x̃ = x + σ·ε. The data
are finitely many equally likely points, so the answer with the least squared error is known.
"""

import math

import torch
from torch import Tensor, nn

from latentgrid.nets.dense import dense
from latentgrid.nets.initialise import glorot_uniform
from latentgrid.randomness import random_generator, seed_of
from latentgrid.training.optimizers.adam import Adam

HIDDEN = 64
STEPS = 2000
BATCH = 200
RATE = 2e-3
SHOWN = 600  # noisy points that are recorded
SIDE = 21  # of the regular grid on which h is recorded
REACH = 1.5  # the grid's half width


def run() -> dict[str, Tensor]:
    """Train on a spiral, and on two points so close that a noisy point could come from either.

    Returns:
        For each data set, "spiral" and "pair": points (n, 2); sigma, scalar; clean (m, 2), the
        points that noise was added to; noisy, restored and best (m, 2), where best is E[x | x̃];
        grid, grid_restored and grid_best (k, 2), the same on a regular grid, row by row.
    """
    pair = torch.tensor([[-1.0, 0.0], [1.0, 0.0]])
    return _record("spiral", spiral(), 0.15) | _record("pair", pair, 0.6)


def spiral(n: int = 500, turns: float = 1.5) -> Tensor:
    """Return n points (n, 2) of a spiral in [−1, 1]², evenly spaced in the angle's square."""
    angle = 2 * math.pi * turns * torch.linspace(0.05, 1, n).sqrt()
    radius = angle / (2 * math.pi * turns)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)


def posterior_mean(noisy: Tensor, points: Tensor, sigma: float) -> Tensor:
    """Return E[x | x̃] (m, 2) for x̃ (m, 2) = x + σ·ε and x any of the points (n, 2)."""
    squared = (noisy[:, None] - points[None]).square().sum(dim=2)
    return torch.softmax(-squared / (2 * sigma**2), dim=1) @ points


def train_network(name: str, points: Tensor, sigma: float) -> nn.Module:
    """Train a network on the points, with new noise at each step."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(0, f"experiment denoising_toy {name} construction"))
        network = dense([2, HIDDEN, HIDDEN, 2])
    glorot_uniform(network, random_generator(0, f"experiment denoising_toy {name} weights"))
    optimizer = Adam([network.parameters()], RATE)
    draws = random_generator(0, f"experiment denoising_toy {name} training")
    for step in range(STEPS):
        # The rate falls to zero, so that the result does not depend on the last batches.
        optimizer.learning_rate = RATE * (1 + math.cos(math.pi * step / STEPS)) / 2
        clean, noisy = noisy_points(points, sigma, BATCH, draws)
        optimizer.minimise((network(noisy) - clean).square().sum(dim=1).mean())
    return network


def noisy_points(
    points: Tensor, sigma: float, n: int, draws: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw n of the points with replacement, and noise on them: both (n, 2)."""
    clean = points[torch.randint(len(points), (n,), generator=draws)]
    return clean, clean + sigma * torch.randn(n, 2, generator=draws)


@torch.no_grad()
def _record(name: str, points: Tensor, sigma: float) -> dict[str, Tensor]:
    with torch.enable_grad():
        network = train_network(name, points, sigma)
    draws = random_generator(0, f"experiment denoising_toy {name} shown")
    clean, noisy = noisy_points(points, sigma, SHOWN, draws)
    side = torch.linspace(-REACH, REACH, SIDE)
    grid = torch.cartesian_prod(side, side).flip(1)
    recorded = {
        "points": points,
        "sigma": torch.tensor(sigma),
        "clean": clean,
        "noisy": noisy,
        "restored": network(noisy),
        "best": posterior_mean(noisy, points, sigma),
        "grid": grid,
        "grid_restored": network(grid),
        "grid_best": posterior_mean(grid, points, sigma),
    }
    return {f"{name}/{key}": values for key, values in recorded.items()}
