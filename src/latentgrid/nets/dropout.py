"""Dropout that draws from a given random generator."""

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Sets each value to zero with probability p and scales the others by 1/(1 − p), in training.

    Srivastava et al. (2014). Torch's own dropout draws from the global random state.

    Attributes:
        generator: the random generator of the next draws, on the values' device.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.generator: torch.Generator | None = None

    def forward(self, values: Tensor) -> Tensor:
        """Map values of any shape to the same shape."""
        if not self.training:
            return values
        assert self.generator is not None, "draw_dropout_from says where to draw from"
        kept = torch.empty_like(values).bernoulli_(1 - self.p, generator=self.generator)
        return values * kept / (1 - self.p)


def replace_dropout(network: nn.Module) -> None:
    """Replace each of torch's dropout layers in the network by a `Dropout`."""
    for module in network.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.Dropout):
                setattr(module, name, Dropout(child.p))


def draw_dropout_from(network: nn.Module, generator: torch.Generator) -> None:
    """Make every `Dropout` of the network draw from `generator`."""
    for module in network.modules():
        if isinstance(module, Dropout):
            module.generator = generator
