"""Compares codes in the plane with a prior, N(0, I) or any that has a density and quantiles."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from latentgrid.models.mmd_vae import mmd
from latentgrid.results.loaded import LoadedModel
from latentgrid.results.trained import Array

PLACES = 16_384  # of equal mass, at which a prior's density is computed
GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class Regions:
    """The densest regions of a model's prior in the plane that hold some shares of its mass.

    Attributes:
        model: the model with the prior.
        edges: the log density in nats at the edge of each region.
    """

    model: LoadedModel
    edges: Sequence[float]

    def share(self, codes: Array, region: int) -> float:
        """Return the share of codes (n, 2) within one of the regions."""
        return float((self.model.log_prior(codes) >= self.edges[region]).mean())


def densest_regions(model: LoadedModel, shares: Sequence[float]) -> Regions:
    """Return the densest regions that hold these shares of the mass of a model's prior.

    The edges are quantiles of the density over codes of equal mass, on a lattice by the golden
    section, whose points are evenly spread in the square and along both of its sides.
    """
    count = np.arange(PLACES) + 0.5
    evenly = np.stack([count / PLACES, count * GOLDEN % 1], axis=1).astype(np.float32)
    densities = model.log_prior(model.quantile(evenly))
    return Regions(model, [float(np.quantile(densities, 1 - share)) for share in shares])


def discrepancy(codes: Array, draws: Array) -> float:
    """Return the squared MMD, with the kernel of `mmd_vae`, of codes and prior draws.

    Both are (n, 2), float32.
    """
    return float(mmd(torch.from_numpy(draws), torch.from_numpy(codes)))
