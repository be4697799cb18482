"""Stacks of dense layers."""

import itertools
from collections.abc import Callable, Sequence
from math import prod

from torch import nn

# The slopes of LeakyReLU below zero. Sources 002 and 004 give none, so theirs is Keras's default.
KERAS_SLOPE = 0.3
RADFORD_SLOPE = 0.2  # Radford, Metz and Chintala (2016), section 4


def keras_leaky_relu() -> nn.Module:
    """Return a LeakyReLU as in sources 002 and 004."""
    return nn.LeakyReLU(KERAS_SLOPE)


def radford_leaky_relu() -> nn.Module:
    """Return a LeakyReLU as in the discriminators of Radford et al. (2016)."""
    return nn.LeakyReLU(RADFORD_SLOPE)


def dense(
    sizes: Sequence[int],
    output: nn.Module | None = None,
    activation: Callable[[], nn.Module] = nn.ReLU,
) -> nn.Sequential:
    """Return dense layers with an activation between them, and `output` after the last.

    Maps (n, …), with sizes[0] values per item, to (n, sizes[-1]).
    """
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), activation()]
    layers[-1] = output or nn.Identity()
    return nn.Sequential(*layers)


def dense_decoder(
    image_shape: tuple[int, int, int],
    sizes: Sequence[int],
    output: nn.Module | None = None,
    activation: Callable[[], nn.Module] = nn.ReLU,
) -> nn.Sequential:
    """Return dense layers of these sizes, from codes (n, sizes[0]) to images (n, c, h, w)."""
    return nn.Sequential(
        *dense([*sizes, prod(image_shape)], output, activation), nn.Unflatten(1, image_shape)
    )
