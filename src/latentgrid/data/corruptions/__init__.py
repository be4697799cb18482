"""Corruptions, one per file: each file has a function `corrupt(images, generator)`.

It maps images (n, c, h, w) in [0, 1] to new ones of the same shape and range. All draws come from
the random generator, which is on the images' device. A removed pixel is black (0) in all its
channels; other pixels stay as they are. Four corruptions are from source 003, two from source 004.
"""

import importlib
from collections.abc import Callable

import torch
from torch import Tensor

from latentgrid.grid import components

Corruption = Callable[[Tensor, torch.Generator], Tensor]


def load(name: str) -> Corruption:
    """Return the function `corrupt` of the corruption called `name`."""
    corruption: Corruption = importlib.import_module(
        components.module_of("corruptions", name)
    ).corrupt
    return corruption
