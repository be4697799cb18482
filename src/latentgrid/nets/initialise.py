"""Initial weights."""

import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

LAYERS = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)


def normal(network: nn.Module, deviation: float, generator: torch.Generator) -> None:
    """Draw all weights from N(0, deviation²) and set biases to zero."""
    for layer in network.modules():
        if isinstance(layer, LAYERS):
            nn.init.normal_(layer.weight, 0, deviation, generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def glorot_uniform(network: nn.Module, generator: torch.Generator) -> None:
    """Draw all weights from U(−a, a), a = √(6 / (fan in + fan out)), and set biases to zero.

    Glorot and Bengio (2010), eq. 16: TensorFlow's default, and so source 000's.
    """
    for layer in network.modules():
        if isinstance(layer, LAYERS):
            weight = nn.init.xavier_uniform_(torch.empty_like(layer.weight), generator=generator)
            with torch.no_grad():
                if is_parametrized(layer, "weight"):
                    layer.weight = weight  # sets the parameters that it is computed from
                else:
                    layer.weight.copy_(weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
