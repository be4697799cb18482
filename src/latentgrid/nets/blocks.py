"""The building blocks of convolutional networks that source 001 discusses, as options.

Each option changes one thing. The convolutions keep their number and sizes, except that `block`
adds some; its values plain and residual differ in the skip connection alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from latentgrid.nets.dense import keras_leaky_relu
from latentgrid.nets.sides import quarter

KERNEL = 3

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": keras_leaky_relu,
    "elu": nn.ELU,
    "tanh": nn.Tanh,
}
POOLINGS: dict[str, Callable[[int], nn.Module]] = {"max": nn.MaxPool2d, "average": nn.AvgPool2d}


@dataclass(frozen=True)
class Blocks:
    """Makes the layers of a convolutional network.

    Attributes:
        activation: relu, leaky_relu (Keras's slope), elu or tanh.
        normalisation: of the convolutions: none; batch (Ioffe and Szegedy 2015); layer, over all
            channels and pixels of an image (Ba et al. 2016); weight (Salimans and Kingma 2016).
        downsampling: stride 2 of a convolution; or max or average over 2×2 pixels after it.
        upsampling: transposed convolution of stride 2; or a convolution after nearest or bilinear.
        padding: what lies beyond an edge: zeros; reflect, the mirrored image; circular, the image's
            opposite edge. A transposed convolution always sees zeros.
        block: further layers at each size of the image: single, none; plain, two more
            convolutions; residual, these two with a skip connection (He et al. 2015).
    """

    activation: Literal["relu", "leaky_relu", "elu", "tanh"] = "relu"
    normalisation: Literal["none", "batch", "layer", "weight"] = "none"
    downsampling: Literal["stride", "max", "average"] = "stride"
    upsampling: Literal["transposed", "nearest", "bilinear"] = "transposed"
    padding: Literal["zeros", "reflect", "circular"] = "zeros"
    block: Literal["single", "plain", "residual"] = "single"

    def activate(self) -> nn.Module:
        """Return the activation."""
        return ACTIVATIONS[self.activation]()

    def convolve(self, channels_in: int, channels_out: int, stride: int = 1) -> nn.Module:
        """Return a 3×3 convolution with normalisation; the sides are divided by `stride`."""
        layer = nn.Conv2d(
            channels_in,
            channels_out,
            KERNEL,
            stride,
            padding=0 if self.padding == "reflect" else 1,
            padding_mode="zeros" if self.padding == "reflect" else self.padding,
            bias=self._has_bias,
        )
        normalised = self._normalise(layer, channels_out, outputs=0)
        return nn.Sequential(Mirror(), normalised) if self.padding == "reflect" else normalised

    def halve(self, channels_in: int, channels_out: int) -> nn.Module:
        """Return layers from (n, channels_in, h, w) to (n, channels_out, h/2, w/2), activated."""
        if self.downsampling == "stride":
            return nn.Sequential(self.convolve(channels_in, channels_out, 2), self.activate())
        pooling = POOLINGS[self.downsampling](2)
        return nn.Sequential(self.convolve(channels_in, channels_out), self.activate(), pooling)

    def double(self, channels_in: int, channels_out: int) -> nn.Module:
        """Return layers from (n, channels_in, h, w) to (n, channels_out, 2h, 2w), linear."""
        if self.upsampling == "transposed":
            layer = nn.ConvTranspose2d(
                channels_in,
                channels_out,
                KERNEL,
                stride=2,
                padding=1,
                output_padding=1,
                bias=self._has_bias,
            )
            return self._normalise(layer, channels_out, outputs=1)
        upsample = nn.Upsample(scale_factor=2, mode=self.upsampling)
        return nn.Sequential(upsample, self.convolve(channels_in, channels_out))

    def further(self, channels: int) -> nn.Module:
        """Return the layers that `block` adds; they keep the shape (n, channels, h, w)."""
        if self.block == "single":
            return nn.Identity()
        change = nn.Sequential(
            self.convolve(channels, channels),
            self.activate(),
            self.convolve(channels, channels),
        )
        return nn.Sequential(
            Residual(change) if self.block == "residual" else change, self.activate()
        )

    @property
    def _has_bias(self) -> bool:
        """Batch and layer normalisation bring a bias of their own."""
        return self.normalisation not in {"batch", "layer"}

    def _normalise(self, layer: nn.Module, channels: int, outputs: int) -> nn.Module:
        """Return the layer with normalisation; `outputs` is its weight's output axis."""
        match self.normalisation:
            case "batch":
                return nn.Sequential(layer, nn.BatchNorm2d(channels))
            case "layer":
                return nn.Sequential(layer, nn.GroupNorm(1, channels))
            case "weight":
                layer = weight_norm(layer, dim=outputs)
        return layer


class Mirror(nn.Module):
    """Adds one mirrored pixel on each side; nn.ReflectionPad2d has no deterministic gradient."""

    def forward(self, images: Tensor) -> Tensor:
        """Map (n, c, h, w) to (n, c, h + 2, w + 2)."""
        taller = torch.cat([images[:, :, 1:2], images, images[:, :, -2:-1]], dim=2)
        return torch.cat([taller[..., 1:2], taller, taller[..., -2:-1]], dim=3)


class Residual(nn.Module):
    """Adds a learnt change to its input: x + f(x) (source 001, "Resnet")."""

    def __init__(self, change: nn.Module) -> None:
        super().__init__()
        self.change = change

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape."""
        changed: Tensor = x + self.change(x)
        return changed


def conv_pair(
    image_shape: tuple[int, int, int], latent_dim: int, channels: int, blocks: Blocks
) -> tuple[nn.Sequential, nn.Sequential]:
    """Return a convolutional encoder and a decoder that is its mirror image.

    The encoder halves the sides twice, to `channels` and twice as many channels, and ends with a
    dense layer: (n, c, h, w) → (n, latent_dim). The decoder reverses these steps and ends with a
    sigmoid. The dense layers and the output are not normalised.
    """
    low = (2 * channels, *quarter(image_shape))
    values = low[0] * low[1] * low[2]
    encoder = nn.Sequential(
        blocks.halve(image_shape[0], channels),
        blocks.further(channels),
        blocks.halve(channels, 2 * channels),
        blocks.further(2 * channels),
        nn.Flatten(),
        nn.Linear(values, latent_dim),
    )
    decoder = nn.Sequential(
        nn.Linear(latent_dim, values),
        blocks.activate(),
        nn.Unflatten(1, low),
        blocks.further(2 * channels),
        blocks.double(2 * channels, channels),
        blocks.activate(),
        blocks.further(channels),
        replace(blocks, normalisation="none").double(channels, image_shape[0]),
        nn.Sigmoid(),
    )
    return encoder, decoder
