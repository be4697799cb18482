"""Histograms and kernel density estimates over the dimension (source 001, "Modelos generativos").

The data are draws of N(0, I) in d dimensions. Errors are the integral of (p̂ − p)² over that of p²:
p̂ = 0 has the error 1. With the best width h for d and n, their mean over samples of n points
(MISE) has closed forms:

- of the Gaussian kernel (Silverman 1986, "Density estimation", section 4.3; Wand and Jones 1995,
  section 4.2): ∫p̂² = (4πh²)^(−d/2)/n + (1 − 1/n)·(4π(1 + h²))^(−d/2), ∫p̂p = (2π(2 + h²))^(−d/2);
- of the histogram (Scott 1979) with cubes of the side h, whose probabilities are p_k:
  ∫p̂² = (1/n + (1 − 1/n)·Σp_k²)/h^d, ∫p̂p = Σp_k²/h^d, where Σp_k² is the d-th power of the sum of
  one dimension.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from scipy.optimize import brentq, minimize_scalar
from torch import Tensor

from latentgrid.randomness import random_generator

DIMENSIONS = tuple(range(1, 11))
POINTS = 2000
REPEATS = 5
TOLERATED = 0.1  # the error for which the number of points is sought
CUBES = np.arange(-60, 61)  # bins of one dimension, from the origin on: all mass at h ≥ 0.15
WIDTHS = (0.15, 4.0)
LOG_POINTS = (math.log(2), math.log(1e12))


def run() -> dict[str, Tensor]:
    """Measure both estimates in each number of dimensions, beside their closed forms.

    Returns:
        dimensions (k,) and points, scalar. For "histogram" and "kernel", as "kernel/…": width (k,),
        the best one; expected (k,), the mean error in closed form; measured (REPEATS, k), errors of
        samples; needed (k,), the number of points with the mean error `TOLERATED`. at_zero (k,),
        that number by the relative mean squared error of the kernel estimate at 0 instead. empty
        (REPEATS, k), the share of as many new points that lie in empty cubes.
    """
    recorded = {"dimensions": torch.tensor(DIMENSIONS), "points": torch.tensor(POINTS)}
    samples = [[draw(d, r) for d in DIMENSIONS] for r in range(REPEATS)]
    for name, (mise, of_sample) in ESTIMATES.items():
        widths = [best_width(mise, POINTS, d)[0] for d in DIMENSIONS]
        errors = [[of_sample(x, h) for x, h in zip(row, widths, strict=True)] for row in samples]
        recorded |= {
            f"{name}/width": torch.tensor(widths),
            f"{name}/expected": torch.tensor([best_width(mise, POINTS, d)[1] for d in DIMENSIONS]),
            f"{name}/measured": torch.tensor(errors),
            f"{name}/needed": torch.tensor([needed(mise, d) for d in DIMENSIONS]),
        }
    cubes = recorded["histogram/width"].tolist()
    recorded["empty"] = torch.tensor(
        [
            [
                in_empty_cubes(x, draw(x.shape[1], r, "new"), h)
                for x, h in zip(row, cubes, strict=True)
            ]
            for r, row in enumerate(samples)
        ]
    )
    recorded["at_zero"] = torch.tensor([needed(kernel_at_zero, d) for d in DIMENSIONS])
    return recorded


def draw(dimension: int, repeat: int, purpose: str = "sample") -> Tensor:
    """Return a sample (POINTS, d) of N(0, I), float64."""
    draws = random_generator(repeat, f"experiment curse_of_dimension {purpose} {dimension}")
    return torch.randn(POINTS, dimension, generator=draws, dtype=torch.float64)


Mise = Callable[[float, float, int], float]  # of the width, the number of points, the dimension


def kernel_mise(h: float, n: float, d: int) -> float:
    """Return the kernel estimate's MISE over ∫p² = (4π)^(−d/2)."""
    squared = h**-d / n + (1 - 1 / n) * (1 + h**2) ** (-d / 2)
    return float(squared - 2 * (1 + h**2 / 2) ** (-d / 2) + 1)


def kernel_at_zero(h: float, n: float, d: int) -> float:
    """Return the kernel estimate's relative mean squared error at 0, E(p̂(0)/p(0) − 1)²."""
    mean = (1 + h**2) ** (-d / 2)
    square = (h**2 * (2 + h**2)) ** (-d / 2)
    return float((square - mean**2) / n + (mean - 1) ** 2)


def histogram_mise(h: float, n: float, d: int) -> float:
    """Return the histogram's MISE over ∫p² = (4π)^(−d/2)."""
    edges = torch.from_numpy(CUBES * h)
    masses = torch.special.ndtr(edges).diff()
    crossed = (2 * math.sqrt(math.pi) / h * float(masses.square().sum())) ** d
    occupied = (2 * math.sqrt(math.pi) / h) ** d
    return float(occupied / n - (1 + 1 / n) * crossed + 1)


def kernel_error(sample: Tensor, h: float) -> float:
    """Return ∫(p̂ − p)²/∫p² of the kernel estimate from a sample (n, d); all pairs are exact."""
    d = sample.shape[1]
    pairs = torch.exp(-torch.cdist(sample, sample).square() / (4 * h**2)).mean()
    with_truth = torch.exp(-sample.square().sum(dim=1) / (2 * (1 + h**2))).mean()
    return float(h**-d * pairs - 2 * (2 / (1 + h**2)) ** (d / 2) * with_truth + 1)


def histogram_error(sample: Tensor, h: float) -> float:
    """Return ∫(p̂ − p)²/∫p² of the histogram of a sample (n, d)."""
    d = sample.shape[1]
    cubes, counts = torch.unique((sample / h).floor(), dim=0, return_counts=True)
    shares = counts.double() / len(sample)
    masses = (torch.special.ndtr((cubes + 1) * h) - torch.special.ndtr(cubes * h)).prod(dim=1)
    scale = (2 * math.sqrt(math.pi) / h) ** d
    return float(scale * (shares.square().sum() - 2 * shares @ masses) + 1)


def in_empty_cubes(sample: Tensor, new: Tensor, h: float) -> float:
    """Return the share of new points in cubes where the sample (n, d) has none."""
    known = {tuple(cube) for cube in (sample / h).floor().tolist()}
    return sum(tuple(cube) not in known for cube in (new / h).floor().tolist()) / len(new)


def best_width(mise: Mise, n: float, d: int) -> tuple[float, float]:
    """Return the width with the smallest error for n points in d dimensions, and that error."""
    found = minimize_scalar(
        lambda log_h: mise(math.exp(log_h), n, d), bounds=np.log(WIDTHS), method="bounded"
    )
    return math.exp(found.x), float(found.fun)


def needed(mise: Mise, d: int) -> float:
    """Return the number of points with which the error is `TOLERATED` at the best width."""

    def excess(log_n: float) -> float:
        return best_width(mise, math.exp(log_n), d)[1] - TOLERATED

    return math.exp(brentq(excess, *LOG_POINTS))


ESTIMATES = {
    "histogram": (histogram_mise, histogram_error),
    "kernel": (kernel_mise, kernel_error),
}
