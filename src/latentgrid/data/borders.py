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
    _, height, width = mask.shape
    columns = torch.arange(width, device=mask.device)
    far = height + width
    left = torch.where(mask, columns, -far).cummax(dim=2).values
    right = torch.where(mask, columns, width + far).flip(2).cummin(dim=2).values.flip(2)
    along_rows = torch.minimum(columns - left, right - columns).float().square()
    rows = torch.arange(height, device=mask.device)
    gaps = (rows[:, None] - rows).float().square()
    # Axes: image, the pixel's row, the row from which it is reached, the column.
    reached = along_rows[:, None] + gaps[:, :, None]
    return reached.amin(dim=2).sqrt()
