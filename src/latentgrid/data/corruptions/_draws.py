"""What several corruptions draw and remove."""

import torch
from torch import Tensor


def without_pixels(images: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Return images (n, c, h, w) of which each pixel was removed with probability `share`."""
    draws = torch.rand(images[:, :1].shape, generator=generator, device=images.device)
    return images.masked_fill(draws < share, 0)


def one_of(choices: int, n: int, generator: torch.Generator) -> Tensor:
    """Return n draws from 0, …, choices − 1 as a column (n, 1)."""
    return torch.randint(choices, (n, 1), generator=generator, device=generator.device)


def marked(places: Tensor, length: int) -> Tensor:
    """Return which of `length` places are named in each row, (n, k) → (n, length)."""
    return (torch.arange(length, device=places.device) == places[:, :, None]).any(dim=1)
