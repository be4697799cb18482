"""One half removed."""

import torch
from torch import Tensor

from latentgrid.data.corruptions._draws import one_of


def corrupt(images: Tensor, generator: torch.Generator) -> Tensor:
    """Remove one half: upper, lower, left or right, each with probability 1/4.

    Source 004 does not say which part is missing. Half an image is what the completions of van den
    Oord et al. (2016, "Pixel recurrent neural networks", figure 1) start from.
    """
    n, _, height, width = images.shape
    which = one_of(4, n, generator)[:, :, None]
    row = torch.arange(height, device=images.device)[None, :, None]
    column = torch.arange(width, device=images.device)[None, None, :]
    upper, left = row < height // 2, column < width // 2
    half = torch.where(which < 2, upper ^ (which == 1), left ^ (which == 3))  # noqa: PLR2004
    return images.masked_fill(half[:, None], 0)
