"""Compares codes in the plane with draws of the prior N(0, I)."""

import numpy as np
import torch

from latentgrid.models.mmd_vae import mmd
from latentgrid.results.trained import Array


def radius(share: float) -> float:
    """Return the radius of the circle around 0 that holds a share of N(0, I) in the plane."""
    return float(np.sqrt(-2 * np.log1p(-share)))


def share_within(codes: Array, distance: float) -> float:
    """Return the share of codes (n, 2) within a distance of 0."""
    return float((np.linalg.norm(codes, axis=1) <= distance).mean())


def discrepancy(codes: Array, draws: Array) -> float:
    """Return the squared MMD, with the kernel of `mmd_vae`, of codes and prior draws.

    Both are (n, 2), float32.
    """
    return float(mmd(torch.from_numpy(draws), torch.from_numpy(codes)))
