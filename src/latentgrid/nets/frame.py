"""Zeros around images that are smaller than a network needs."""

from torch import nn


def frame(image_shape: tuple[int, int, int], side: int) -> nn.ZeroPad2d:
    """Return a layer that frames images with zeros so that no side is shorter than `side`.

    The image stays in the middle; of an odd number of pixels the last one is at right and below.
    """
    height, width = (max(0, side - own) for own in image_shape[1:])
    return nn.ZeroPad2d((width // 2, width - width // 2, height // 2, height - height // 2))
