"""Random draws and masks that several corruptions use."""

import torch
from torch import Tensor


def without_pixels(images: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Remove each pixel of images (n, c, h, w) with probability `share`."""
    draws = torch.rand(images[:, :1].shape, generator=generator, device=images.device)
    return images.masked_fill(draws < share, 0)


def one_of(choices: int, n: int, generator: torch.Generator) -> Tensor:
    """Draw n numbers from 0, …, choices − 1 as a column (n, 1)."""
    return torch.randint(choices, (n, 1), generator=generator, device=generator.device)


def marked(places: Tensor, length: int) -> Tensor:
    """Map places (n, k) to a mask (n, length) that is true at the places of each row."""
    return (torch.arange(length, device=places.device) == places[:, :, None]).any(dim=1)
