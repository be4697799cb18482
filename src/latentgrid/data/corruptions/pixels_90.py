"""Nine in ten pixels removed."""

import torch
from torch import Tensor

from latentgrid.data.corruptions._draws import without_pixels


def corrupt(images: Tensor, generator: torch.Generator) -> Tensor:
    """Remove each pixel with probability 0.9 (source 003, "Eliminar pixels")."""
    return without_pixels(images, 0.9, generator)
