"""A square removed."""

import torch
from torch import Tensor

from latentgrid.data.corruptions._draws import marked, one_of

BLOCK, MNIST_SIDE = 16, 28


def corrupt(images: Tensor, generator: torch.Generator) -> Tensor:
    """Remove a square of 16×16 pixels anywhere in the image (source 003, "Máscara de bloqueo").

    In images smaller than MNIST's, its side is the same share of the shorter side, 16/28.
    """
    n, _, height, width = images.shape
    side = min(BLOCK, BLOCK * min(height, width) // MNIST_SIDE)
    rows = one_of(height - side + 1, n, generator) + torch.arange(side, device=images.device)
    columns = one_of(width - side + 1, n, generator) + torch.arange(side, device=images.device)
    inside = marked(rows, height)[:, :, None] & marked(columns, width)[:, None, :]
    return images.masked_fill(inside[:, None], 0)
