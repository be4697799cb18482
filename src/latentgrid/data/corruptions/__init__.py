"""One file a way to damage images; each has `corrupt(images, generator)`.

It maps images (n, c, h, w) in [0, 1] to new ones of the same shape and range. All draws come from
the generator, which lives on the images' device. A pixel that is removed is black (0) in all its
channels; what is not removed stays as it was. Four are of source 003, two of source 004.
"""

import importlib
from collections.abc import Callable

import torch
from torch import Tensor

from latentgrid.grid import components

Corruption = Callable[[Tensor, torch.Generator], Tensor]


def load(name: str) -> Corruption:
    """Return the function `corrupt` of a corruption's file."""
    corruption: Corruption = importlib.import_module(
        components.module_of("corruptions", name)
    ).corrupt
    return corruption
