"""The U-Net of Ronneberger, Fischer and Brox (2015; source 001, "UNETs")."""

import torch
from torch import Tensor, nn

from latentgrid.nets.blocks import Blocks

BLOCKS = Blocks()


class Level(nn.Module):
    """One level of the U and all levels below it.

    Two convolutions come first. The level below works on their output at half the sides. Its result
    is doubled to the full sides and concatenated with that output (the skip connection). Two more
    convolutions follow.
    """

    def __init__(self, channels_in: int, channels: int, below: int) -> None:
        super().__init__()
        self.down = two_convolutions(channels_in, channels)
        self.below: nn.Module | None = None
        if below:
            self.below = nn.Sequential(
                nn.MaxPool2d(2),
                Level(channels, 2 * channels, below - 1),
                BLOCKS.double(2 * channels, channels),
            )
            self.up = two_convolutions(2 * channels, channels)

    def forward(self, images: Tensor) -> Tensor:
        """Map (n, channels_in, h, w) to (n, channels, h, w)."""
        seen: Tensor = self.down(images)
        if self.below is None:
            return seen
        made: Tensor = self.up(torch.cat([seen, self.below(seen)], dim=1))
        return made


def two_convolutions(channels_in: int, channels_out: int) -> nn.Sequential:
    """Return two convolutions that keep the sides, each with its activation."""
    return nn.Sequential(
        BLOCKS.convolve(channels_in, channels_out),
        BLOCKS.activate(),
        BLOCKS.convolve(channels_out, channels_out),
        BLOCKS.activate(),
    )


def unet(channels_in: int, channels: int, halvings: int, channels_out: int) -> nn.Sequential:
    """Return a U-Net from images (n, channels_in, h, w) to values (n, channels_out, h, w).

    Sides must be multiples of 2^halvings. The channels start at `channels` and double as the sides
    are halved.
    """
    return nn.Sequential(
        Level(channels_in, channels, halvings),
        nn.Conv2d(channels, channels_out, kernel_size=1),
    )
