"""The layers of LeNet-5 that later networks left out (LeCun et al. 1998, sections II.B and C)."""

import torch
from torch import Tensor, nn
from torch.nn import functional

AMPLITUDE, SLOPE = 1.7159, 2 / 3  # the paper's appendix A
MAPS = 6  # of the layer S2
# Table I: the maps of S2 that each of the 16 maps of C3 sees.
SEEN = (
    *((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5)),
    *((0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5)),
    *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5)),
    (0, 1, 2, 3, 4, 5),
)
FIRST = 2.4  # first weights are uniform within so much, divided by the unit's inputs


class ScaledTanh(nn.Module):
    """1.7159·tanh(2a/3), which maps −1 and 1 to themselves."""

    def forward(self, values: Tensor) -> Tensor:
        """Keep the shape."""
        return AMPLITUDE * torch.tanh(SLOPE * values)


class Subsampling(nn.Module):
    """The sum of 2×2 values times a coefficient, plus a bias; both are trained, for each map."""

    INPUTS = 4

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.coefficient = nn.Parameter(torch.ones(channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, maps: Tensor) -> Tensor:
        """Map (n, c, h, w) to (n, c, h/2, w/2)."""
        return self.coefficient * self.INPUTS * functional.avg_pool2d(maps, 2) + self.bias


class PartlyConnected(nn.Module):
    """A convolution from 6 to 16 maps, each of which sees some of the six (table I).

    Attributes:
        weight: (60, k, k), a kernel for each connection of the table.
        places: (60,), where each kernel belongs among those of a full convolution.
    """

    places: Tensor

    def __init__(self, kernel: int) -> None:
        super().__init__()
        places = [MAPS * map_ + seen for map_, of_map in enumerate(SEEN) for seen in of_map]
        self.register_buffer("places", torch.tensor(places), persistent=False)
        self.weight = nn.Parameter(torch.zeros(len(places), kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(len(SEEN)))

    def forward(self, maps: Tensor) -> Tensor:
        """Map (n, 6, h, w) to (n, 16, h − k + 1, w − k + 1)."""
        kernel = self.weight.shape[1:]
        full = self.weight.new_zeros(len(SEEN) * MAPS, *kernel)
        full = full.index_copy(0, self.places, self.weight)
        return functional.conv2d(maps, full.reshape(len(SEEN), MAPS, *kernel), self.bias)


class RadialBasis(nn.Module):
    """The squared distance of its inputs to a code for each class, which is not trained.

    Attributes:
        codes: −1 or 1, (classes, inputs).
    """

    codes: Tensor

    def __init__(self, inputs: int, classes: int) -> None:
        super().__init__()
        self.register_buffer("codes", torch.ones(classes, inputs))

    def forward(self, values: Tensor) -> Tensor:
        """Map (n, inputs) to (n, classes)."""
        return (values[:, None] - self.codes).square().sum(dim=2)


@torch.no_grad()
def uniform_by_inputs(network: nn.Module, generator: torch.Generator) -> None:
    """Draw weights within ±2.4 divided by the unit's inputs, and each −1 or 1 of `RadialBasis`.

    Biases are 0 (the paper's appendix A has no word on them).
    """
    for layer in network.modules():
        match layer:
            case nn.Conv2d() | nn.Linear():
                _draw(layer.weight, layer.weight[0].numel(), generator)
                assert layer.bias is not None
                layer.bias.zero_()
            case PartlyConnected():
                kernel = layer.weight[0].numel()
                connections = (kernel * len(seen) for seen in SEEN for _ in seen)
                for weight, inputs in zip(layer.weight, connections, strict=True):
                    _draw(weight, inputs, generator)
                layer.bias.zero_()
            case Subsampling():
                _draw(layer.coefficient, layer.INPUTS, generator)
                layer.bias.zero_()
            case RadialBasis():
                layer.codes.bernoulli_(0.5, generator=generator).mul_(2).sub_(1)


def _draw(weight: Tensor, inputs: int, generator: torch.Generator) -> None:
    weight.uniform_(-FIRST / inputs, FIRST / inputs, generator=generator)
