"""Dropout whose draws come from a generator that is handed to it."""

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Sets each value to zero with probability p and scales the others by 1/(1 − p), in training.

    Srivastava et al. (2014). Torch's own draws from global state.

    Attributes:
        generator: where the next draws come from; on the values' device.
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
    """Put `Dropout` in the place of each of torch's own."""
    for module in network.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.Dropout):
                setattr(module, name, Dropout(child.p))


def draw_dropout_from(network: nn.Module, generator: torch.Generator) -> None:
    """Let every `Dropout` of the network draw from `generator`."""
    for module in network.modules():
        if isinstance(module, Dropout):
            module.generator = generator
