"""Priors that a model may choose from: N(0, I), a mixture of Gaussians, and a Swiss roll.

The last two lie in the plane of the first two dimensions; the others are N(0, 1). Each can be drawn
from, has a density, and maps the unit cube to codes of equal mass.
"""

from collections.abc import Callable, Mapping
from math import log, pi
from typing import Literal

import torch
from scipy.special import chdtri
from torch import Tensor, nn

from latentgrid.errors import UserError
from latentgrid.randomness import random_generator

# Makhzani et al. (2016) draw both shapes (figures 2 and 4) without numbers; these are those of a
# widely used implementation, github.com/hwalsuklee/tensorflow-mnist-AAE, prior_factory.py.
PETALS = 10
PETAL_CENTRE = 1.4  # distance from 0
PETAL_DEVIATIONS = (0.5, 0.1)  # along the ray from 0, and across it
ROLL_RADIUS = 3.0
ROLL_TURNS = 2
# There the roll is a line, which has no density. Here it is as thick as a petal.
ROLL_DEVIATION = 0.1
ROLL_PARTS = 500  # so many that neighbours are nearer to one another than this deviation

SHARE = 0.95  # of the prior's mass within its region
DRAWS = 10_000  # by which that region is found
EDGE = 1e-6  # a share is no nearer to 0 and 1, where Φ⁻¹ is infinite


Shape = Literal["normal", "mixture", "swiss_roll"]


class Prior(nn.Module):
    """A distribution of codes.

    Attributes:
        threshold: the density in nats, a scalar, above which 95 % of the prior's mass lies.
    """

    threshold: Tensor

    def draw(self, n: int, rng: torch.Generator) -> Tensor:
        """Draw codes (n, d) by a generator on any device; they lie on that of the model."""
        raise NotImplementedError

    def quantile(self, shares: Tensor) -> Tensor:
        """Map shares (n, d) in (0, 1) to codes (n, d): evenly spread ones to draws of the prior."""
        raise NotImplementedError

    def log_density(self, codes: Tensor) -> Tensor:
        """Return log p(z) in nats, codes (…, d) → (…)."""
        raise NotImplementedError


class StandardNormal(Prior):
    """N(0, I)."""

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        squared_radius = torch.tensor(float(chdtri(latent_dim, 1 - SHARE)))
        edge = -(squared_radius + latent_dim * log(2 * pi)) / 2
        self.register_buffer("threshold", edge, persistent=False)

    def draw(self, n: int, rng: torch.Generator) -> Tensor:
        """Draw codes (n, d)."""
        return standard_normal(n, self.latent_dim, rng).to(self.threshold.device)

    def quantile(self, shares: Tensor) -> Tensor:
        """Return Φ⁻¹ of each share, (n, d) → (n, d)."""
        codes: Tensor = torch.special.ndtri(shares)
        return codes

    def log_density(self, codes: Tensor) -> Tensor:
        """Return log p(z) = −½·Σ(z² + log 2π) in nats, codes (…, d) → (…)."""
        return -(codes.square() + log(2 * pi)).sum(dim=-1) / 2


class PlanarMixture(Prior):
    """Equally likely Gaussians in the plane of the first two dimensions, N(0, 1) in the others.

    Attributes:
        means: the centres, (k, 2).
        directions: unit vectors along the first axis of each, (k, 2).
        deviations: the standard deviations along that axis and across it, (2,), the same for all.
    """

    means: Tensor
    directions: Tensor
    deviations: Tensor

    def __init__(
        self, means: Tensor, directions: Tensor, deviations: tuple[float, float], latent_dim: int
    ) -> None:
        """Find the region that holds 95 % of the mass by draws, always the same ones.

        Raises:
            UserError: the codes have one dimension.
        """
        if latent_dim < 2:  # noqa: PLR2004
            raise UserError("latent_dim is 1; a prior that lies in a plane needs 2 or more")
        super().__init__()
        self.latent_dim = latent_dim
        self.register_buffer("means", means, persistent=False)
        self.register_buffer("directions", directions, persistent=False)
        self.register_buffer("deviations", torch.tensor(deviations), persistent=False)
        shares = torch.rand(DRAWS, latent_dim, generator=random_generator(0, "region of a prior"))
        edge = torch.quantile(self.log_density(self.quantile(shares)), 1 - SHARE)
        self.register_buffer("threshold", edge, persistent=False)

    def draw(self, n: int, rng: torch.Generator) -> Tensor:
        """Draw codes (n, d): a Gaussian for each, and a place in it."""
        standard = standard_normal(n, self.latent_dim, rng)
        part = torch.randint(len(self.means), (n,), generator=rng, device=rng.device)
        device = self.means.device
        return self._placed(part.to(device), standard.to(device))

    def quantile(self, shares: Tensor) -> Tensor:
        """Map shares (n, d) to codes; the first chooses one of the Gaussians, and a place in it."""
        k = len(self.means)
        part = (shares[:, 0] * k).long().clamp(max=k - 1)
        rest = (shares[:, :1] * k - part[:, None]).clamp(EDGE, 1 - EDGE)
        # The rest of the first share goes across: from one part of a roll to the next.
        across_last = torch.cat([shares[:, 1:2], rest, shares[:, 2:]], dim=1)
        return self._placed(part, torch.special.ndtri(across_last))

    def log_density(self, codes: Tensor) -> Tensor:
        """Return log p(z) in nats, codes (…, d) → (…)."""
        gaps = codes[..., None, :2] - self.means
        along = (gaps * self.directions).sum(-1) / self.deviations[0]
        across = (gaps * quarter_turn(self.directions)).sum(-1) / self.deviations[1]
        parts = torch.logsumexp(-(along.square() + across.square()) / 2, dim=-1)
        others = codes[..., 2:].square().sum(-1) / 2
        scales = self.deviations.log().sum() + log(len(self.means))
        return parts - others - scales - self.latent_dim * log(2 * pi) / 2

    def _placed(self, part: Tensor, standard: Tensor) -> Tensor:
        """Move draws (n, d) of N(0, I) into the Gaussians `part` (n,)."""
        scaled = standard[:, :2] * self.deviations
        direction = self.directions[part]
        along, across = scaled[:, :1] * direction, scaled[:, 1:] * quarter_turn(direction)
        plane = self.means[part] + along + across
        return torch.cat([plane, standard[:, 2:]], dim=1)


def quarter_turn(vectors: Tensor) -> Tensor:
    """Turn vectors (…, 2) to the left by 90°."""
    return torch.stack([-vectors[..., 1], vectors[..., 0]], dim=-1)


def standard_normal(n: int, dimensions: int, rng: torch.Generator) -> Tensor:
    """Draw from N(0, I), (n, dimensions), on the generator's device."""
    return torch.empty(n, dimensions, device=rng.device).normal_(generator=rng)


def petals(latent_dim: int) -> PlanarMixture:
    """Return ten long Gaussians around 0, like the petals of a flower."""
    rays = on_circle(torch.arange(PETALS) * (2 * pi / PETALS))
    return PlanarMixture(PETAL_CENTRE * rays, rays, PETAL_DEVIATIONS, latent_dim)


def swiss_roll(latent_dim: int) -> PlanarMixture:
    """Return a spiral of two turns as a row of small Gaussians, the mass even along its area.

    Radius and angle grow with the root of the share of the mass: r = 3·√u, φ = 4π·√u.
    """
    roots = ((torch.arange(ROLL_PARTS) + 0.5) / ROLL_PARTS).sqrt()
    rays = on_circle(roots * (2 * pi * ROLL_TURNS))
    deviations = (ROLL_DEVIATION, ROLL_DEVIATION)
    return PlanarMixture(ROLL_RADIUS * roots[:, None] * rays, rays, deviations, latent_dim)


def on_circle(angles: Tensor) -> Tensor:
    """Return the points of the unit circle at angles in radians, (n,) → (n, 2)."""
    return torch.stack([angles.cos(), angles.sin()], dim=1)


PRIORS: Mapping[Shape, Callable[[int], Prior]] = {
    "normal": StandardNormal,
    "mixture": petals,
    "swiss_roll": swiss_roll,
}
