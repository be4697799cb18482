"""Stacks of dense layers."""

import itertools

from torch import nn


def dense(sizes: list[int], output: nn.Module | None = None) -> nn.Sequential:
    """Return dense layers of the given sizes with ReLU between them, and `output` after the last.

    Maps (n, …) with sizes[0] values an item to (n, sizes[-1]).
    """
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    layers[-1] = output or nn.Identity()
    return nn.Sequential(*layers)
