"""Flows of each kind on a density of the plane (source 001, "Flujos invertibles").

The data are two half circles with Gaussian noise, whose density is an integral over the angle, so
that the smallest possible mean of −log p is known. Each kind of flow is trained by maximum
likelihood on new points at each step.
"""

import math

import torch
from torch import Tensor
from zuko.lazy import LazyComposedTransform

from latentgrid.nets import flows
from latentgrid.randomness import random_generator, seed_of
from latentgrid.training.optimizers.adam import Adam

TRANSFORMS = 6
HIDDEN = 32
DEPTH = 2
STEPS = 600
BATCH = 256
RATE = 1e-2
NOISE = 0.15
CENTRES = torch.tensor([[-0.5, -0.25], [0.5, 0.25]])
ANGLES = 400  # of the quadrature over a half circle
TEST = 10_000
SHOWN = 1500  # draws that are recorded after each layer
SIDE = 81  # of the grid on which densities are recorded
REACH = 2.4  # the grid's half width


def run() -> dict[str, Tensor]:
    """Train a flow of each kind, and record its density and what becomes of noise in its layers.

    Returns:
        For each kind, "<kind>/…": path (TRANSFORMS + 1, m, 2), draws of N(0, I) and what they are
        after each layer on the way to the data; density (SIDE, SIDE), log p in nats, the row being
        the second coordinate; nats (TEST,), −log p of new points. As "data/…": nats (TEST,), by
        the true density; points (m, 2); density (SIDE, SIDE); side (SIDE,), the coordinates.
    """
    points = draw_points(TEST, random_generator(0, "experiment flow_toy test"))
    side = torch.linspace(-REACH, REACH, SIDE)
    truth = {"nats": -log_density(points), "points": points[:SHOWN], "side": side}
    truth["density"] = log_density(torch.cartesian_prod(side, side).flip(1)).reshape(SIDE, SIDE)
    recorded = {f"data/{name}": values for name, values in truth.items()}
    for kind in flows.LAYERS:
        recorded |= {f"{kind}/{k}": v for k, v in observe(train(kind), points, side).items()}
    return recorded


def draw_points(n: int, draws: torch.Generator) -> Tensor:
    """Return n points (n, 2): an upper and a lower half circle of radius 1, with noise."""
    upper = torch.randint(2, (n,), generator=draws)
    angle = math.pi * (torch.rand(n, generator=draws) + 1 - upper)
    circle = torch.stack([angle.cos(), angle.sin()], dim=1)
    return circle + CENTRES[1 - upper] + NOISE * torch.randn(n, 2, generator=draws)


def log_density(points: Tensor) -> Tensor:
    """Return log p in nats of points (n, 2), by the midpoint rule over the angle, (n,)."""
    half = math.pi * (torch.arange(ANGLES) + 0.5) / ANGLES
    angle = torch.cat([half, half + math.pi])
    centres = CENTRES.repeat_interleave(ANGLES, dim=0)
    means = torch.stack([angle.cos(), angle.sin()], dim=1) + centres
    squares = torch.cdist(points, means).square() / NOISE**2
    constant = math.log(2 * math.pi * NOISE**2) + math.log(len(means))
    return torch.logsumexp(-squares / 2, dim=1) - constant


def train(kind: str) -> LazyComposedTransform:
    """Train a flow of one kind from data to noise."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(0, f"experiment flow_toy {kind} construction"))
        flow = flows.build(kind, 2, TRANSFORMS, HIDDEN, DEPTH)
    flows.initialise(flow, random_generator(0, f"experiment flow_toy {kind} weights"))
    optimizer = Adam([flow.parameters()], RATE)
    draws = random_generator(0, "experiment flow_toy training")
    for step in range(STEPS):
        # The rate falls to zero, so that the result does not depend on the last batches.
        optimizer.learning_rate = RATE * (1 + math.cos(math.pi * step / STEPS)) / 2
        optimizer.minimise(nats(flow, draw_points(BATCH, draws)).mean())
    return flow


def nats(flow: LazyComposedTransform, points: Tensor) -> Tensor:
    """Return −log p in nats of points (n, 2) under a flow, (n,)."""
    noise, log_determinant = flow().call_and_ladj(points)
    found: Tensor = noise.square().sum(dim=1) / 2 + math.log(2 * math.pi) - log_determinant
    return found


@torch.no_grad()
def observe(flow: LazyComposedTransform, points: Tensor, side: Tensor) -> dict[str, Tensor]:
    """Return −log p of the points, log p on a grid, and noise after each layer."""
    grid = torch.cartesian_prod(side, side).flip(1)
    noise = torch.randn(SHOWN, 2, generator=random_generator(0, "experiment flow_toy noise"))
    path = [noise]
    for layer in reversed(flow.transforms):
        path.append(flows.invert(LazyComposedTransform(layer), path[-1]))
    return {
        "nats": nats(flow, points),
        "density": -nats(flow, grid).reshape(SIDE, SIDE),
        "path": torch.stack(path),
    }
