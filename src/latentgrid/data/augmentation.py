"""New training images made of old ones, as AlexNet's were (source 001, "Alexnet")."""

import torch
from torch import Tensor
from torch.nn import functional

# Pixels by which an image may be shifted along each side: a 14th of MNIST's. Krizhevsky et al.
# (2012, section 4.1) shift images of 256 pixels by up to 32, an eighth.
REACH = 2


def shifted(images: Tensor, generator: torch.Generator) -> Tensor:
    """Return images (n, c, h, w), each shifted by −2 to 2 pixels along each side; 0 comes in."""
    n, channels, height, width = images.shape
    larger = functional.pad(images, (REACH,) * 4)
    down, right = torch.randint(2 * REACH + 1, (2, n), generator=generator, device=images.device)
    rows = down[:, None] + torch.arange(height, device=images.device)
    columns = right[:, None] + torch.arange(width, device=images.device)
    image = torch.arange(n, device=images.device)[:, None, None, None]
    channel = torch.arange(channels, device=images.device)[:, None, None]
    return larger[image, channel, rows[:, None, :, None], columns[:, None, None, :]]


def reflected(images: Tensor, generator: torch.Generator) -> Tensor:
    """Return images (n, c, h, w), each mirrored left to right with probability ½."""
    mirrored = torch.rand(len(images), generator=generator, device=images.device) < 1 / 2
    return torch.where(mirrored[:, None, None, None], images.flip(3), images)


def both(images: Tensor, generator: torch.Generator) -> Tensor:
    """Return images (n, c, h, w), shifted and mirrored."""
    return reflected(shifted(images, generator), generator)


def unchanged(images: Tensor, generator: torch.Generator) -> Tensor:
    """Return the images themselves and draw nothing."""
    return images


AUGMENTATIONS = {"none": unchanged, "shift": shifted, "reflection": reflected, "both": both}
