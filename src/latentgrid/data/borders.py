"""How near pixels lie to the border between two objects of a scene."""

import torch
from torch import Tensor

SIGMA, MNIST_SIDE = 5.0, 28


def nearness(objects: Tensor, sigma: float) -> Tensor:
    """Return exp(−(d₁ + d₂)² / 2σ²) for each pixel, where d₁ and d₂ are distances to objects.

    Ronneberger, Fischer and Brox (2015), eq. 2: d₁ to the nearest object and d₂ to the second
    nearest, in pixels. It is near 1 between two objects that nearly touch.

    Args:
        objects: which pixels belong to each object, bool (n, k, h, w) with k ≥ 2.
        sigma: in pixels.

    Returns:
        In [0, 1], (n, h, w).
    """
    away = torch.stack([distance(objects[:, i]) for i in range(objects.shape[1])], dim=1)
    both = away.sort(dim=1).values[:, :2].sum(dim=1)
    return torch.exp(-(both**2) / (2 * sigma**2))


def sigma_of(height: int, width: int) -> float:
    """Return σ for images of this size: the paper's 5 pixels for 28×28, else in proportion."""
    return SIGMA * min(height, width) / MNIST_SIDE


def distance(mask: Tensor) -> Tensor:
    """Return the Euclidean distance of each pixel to the nearest true one of a mask (n, h, w).

    First along rows, then along columns (Felzenszwalb and Huttenlocher 2012, "Distance transforms
    of sampled functions", section 3, whose lower envelope is here the minimum over all places).
    Where nothing is true, it is the sum of the sides or more.
    """
    far = float(sum(mask.shape[1:]) ** 2)
    squares = torch.where(mask, 0.0, far)
    along_rows = _nearest(squares)
    return _nearest(along_rows.transpose(1, 2)).transpose(1, 2).sqrt()


def _nearest(squares: Tensor) -> Tensor:
    """Return min over j of squares[…, j] + (i − j)² at each place i of the last axis."""
    places = torch.arange(squares.shape[-1], device=squares.device, dtype=squares.dtype)
    gaps = (places[:, None] - places).square()
    return (squares[..., None, :] + gaps).amin(dim=-1)
