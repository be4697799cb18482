"""The building blocks of convolutional networks that source 001 discusses, as options.

Each option changes one thing. The convolutions keep their number and sizes, except that `block`
adds some; its values plain and residual differ in the skip connection alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from math import prod
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from latentgrid.errors import UserError
from latentgrid.nets.dense import keras_leaky_relu
from latentgrid.nets.sides import quarter

KERNEL = 3
WIDE_KERNEL = 5

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": keras_leaky_relu,
    "elu": nn.ELU,
    "tanh": nn.Tanh,
}
POOLINGS: dict[str, Callable[[], nn.Module]] = {
    "max": partial(nn.MaxPool2d, 2),
    "average": partial(nn.AvgPool2d, 2),
    "overlapping": partial(nn.MaxPool2d, 3, stride=2, padding=1),
}


@dataclass(frozen=True)
class Blocks:
    """Makes the layers of a convolutional network.

    Attributes:
        activation: relu, leaky_relu (Keras's slope), elu or tanh.
        normalisation: of the convolutions: none; batch (Ioffe and Szegedy 2015); layer, over all
            channels and pixels of an image (Ba et al. 2016); weight (Salimans and Kingma 2016);
            local_response, behind the activation (`LocalResponse`).
        downsampling: stride 2 of a convolution; or, after it, max or average over 2×2 pixels, or
            overlapping: the maximum over 3×3 pixels around every second one (Krizhevsky et al.
            2012, section 3.4).
        upsampling: transposed convolution of stride 2; or a convolution after nearest, bilinear
            or unpooling (`Unpooling`).
        padding: what lies beyond an edge: zeros; reflect, the mirrored image; circular, the image's
            opposite edge; none, so that the convolutions that halve the sides lose the edge, and
            all others, which must keep the sides, see zeros. A transposed convolution always sees
            zeros.
        block: further layers at each size of the image: single, none; plain, two more 3×3
            convolutions; residual, these two with a skip connection (He et al. 2015); wide, one
            5×5 convolution, which sees as far as two of 3×3 (Simonyan and Zisserman 2015, 2.3).
        depth: how many such blocks there are at each size, 1 or more.
    """

    activation: Literal["relu", "leaky_relu", "elu", "tanh"] = "relu"
    normalisation: Literal["none", "batch", "layer", "weight", "local_response"] = "none"
    downsampling: Literal["stride", "max", "average", "overlapping"] = "stride"
    upsampling: Literal["transposed", "nearest", "bilinear", "unpooling"] = "transposed"
    padding: Literal["zeros", "reflect", "circular", "none"] = "zeros"
    block: Literal["single", "plain", "residual", "wide"] = "single"
    depth: int = 1

    def __post_init__(self) -> None:
        """Refuse a depth without blocks.

        Raises:
            UserError: `depth` is not 1, and `block` is single.
        """
        if self.block == "single" and self.depth != 1:
            raise UserError(
                f"depth: found {self.depth}; allowed: 1 where block is single, which adds no layers"
            )

    def activate(self) -> nn.Module:
        """Return the activation behind a dense layer."""
        return ACTIVATIONS[self.activation]()

    def activate_maps(self) -> nn.Module:
        """Return the activation behind a convolution, and what normalises its output."""
        if self.normalisation == "local_response":
            return nn.Sequential(self.activate(), LocalResponse())
        return self.activate()

    def convolve(
        self,
        channels_in: int,
        channels_out: int,
        stride: int = 1,
        kernel: int = KERNEL,
        valid: bool = False,
    ) -> nn.Module:
        """Return a convolution with normalisation; the sides are divided by `stride`.

        Without padding (`valid`) an output pixel sees only pixels that are there.
        """
        beyond = kernel // 2
        layer = nn.Conv2d(
            channels_in,
            channels_out,
            kernel,
            stride,
            padding=0 if valid or self.padding == "reflect" else beyond,
            padding_mode="circular" if self.padding == "circular" else "zeros",
            bias=self._has_bias,
        )
        normalised = self._normalise(layer, channels_out, outputs=0)
        return (
            nn.Sequential(Mirror(beyond), normalised) if self.padding == "reflect" else normalised
        )

    def halve(self, channels_in: int, channels_out: int) -> nn.Module:
        """Return layers from (n, channels_in, h, w) to (n, channels_out, h', w'), activated.

        h' is half of h, or `halved(h)` without padding.
        """
        stride = 2 if self.downsampling == "stride" else 1
        layer = self.convolve(channels_in, channels_out, stride, valid=self.padding == "none")
        activated = nn.Sequential(layer, self.activate_maps())
        if self.downsampling != "stride":
            activated.append(POOLINGS[self.downsampling]())
        return activated

    def halved(self, side: int) -> int:
        """Return the side that `halve` makes of a side; 0 or less if nothing is left."""
        left = side - (KERNEL - 1) if self.padding == "none" else side
        return left // 2 if self.downsampling in {"max", "average"} else (left + 1) // 2

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
        upsample = (
            Unpooling()
            if self.upsampling == "unpooling"
            else nn.Upsample(scale_factor=2, mode=self.upsampling)
        )
        return nn.Sequential(upsample, self.convolve(channels_in, channels_out))

    def further(self, channels: int) -> nn.Module:
        """Return the layers that `block` adds; they keep the shape (n, channels, h, w)."""
        if self.block == "single":
            return nn.Identity()
        layers = nn.Sequential()
        for _ in range(self.depth):
            layers.extend([self._block(channels), self.activate_maps()])
        return layers

    def _block(self, channels: int) -> nn.Module:
        if self.block == "wide":
            return self.convolve(channels, channels, kernel=WIDE_KERNEL)
        change = nn.Sequential(
            self.convolve(channels, channels),
            self.activate_maps(),
            self.convolve(channels, channels),
        )
        return Residual(change) if self.block == "residual" else change

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
    """Adds mirrored pixels on each side; nn.ReflectionPad2d has no deterministic gradient."""

    def __init__(self, width: int = 1) -> None:
        super().__init__()
        self.width = width

    def forward(self, images: Tensor) -> Tensor:
        """Map (n, c, h, w) to (n, c, h + 2·width, w + 2·width); sides must exceed the width."""
        return self._along(self._along(images, 2), 3)

    def _along(self, images: Tensor, axis: int) -> Tensor:
        side = images.shape[axis]
        before = images.narrow(axis, 1, self.width).flip(axis)
        after = images.narrow(axis, side - 1 - self.width, self.width).flip(axis)
        return torch.cat([before, images, after], dim=axis)


class Unpooling(nn.Module):
    """Puts each value into the top left of 2×2 pixels whose others are 0.

    Max-unpooling, as source 001 draws it, puts it where the pooling layer of the encoder found the
    maximum. A decoder that must draw images from codes alone cannot know where that was, so the
    place is fixed here, as in Dosovitskiy, Springenberg and Brox (2015, "Learning to generate
    chairs with convolutional neural networks"); the convolution after it fills the zeros.
    """

    def forward(self, images: Tensor) -> Tensor:
        """Map (n, c, h, w) to (n, c, 2h, 2w)."""
        n, channels, height, width = images.shape
        apart = functional.pad(images[..., None, :, None], (0, 1, 0, 0, 0, 1))
        return apart.reshape(n, channels, 2 * height, 2 * width)


class LocalResponse(nn.Module):
    """Divides each value by what the same pixel has in neighbouring channels.

    y_i = x_i / (k + α·Σ x_j²)^β, with the sum over the n channels around i, and n = 5, k = 2,
    α = 1e-4 and β = 0.75 (Krizhevsky et al. 2012, section 3.3; source 001, "Arquitectura Alexnet").
    nn.LocalResponseNorm divides α by n and has no deterministic gradient on a GPU.
    """

    NEIGHBOURS, K, ALPHA, BETA = 5, 2.0, 1e-4, 0.75

    def forward(self, images: Tensor) -> Tensor:
        """Keep the shape (n, c, h, w)."""
        channels, reach = images.shape[1], self.NEIGHBOURS // 2
        squares = functional.pad(images.square(), (0, 0, 0, 0, reach, reach))
        around = torch.stack(
            [squares.narrow(1, shift, channels) for shift in range(self.NEIGHBOURS)]
        ).sum(dim=0)
        normalised: Tensor = images / (self.K + self.ALPHA * around) ** self.BETA
        return normalised


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

    Raises:
        UserError: the images' sides are no multiples of 4, or too small: without padding nothing
            is left of them, or 5×5 pixels are wider than the mirrored image.
    """
    low = (2 * channels, *quarter(image_shape))
    seen = [blocks.halved(blocks.halved(side)) for side in image_shape[1:]]
    mirrors = WIDE_KERNEL // 2 if (blocks.padding, blocks.block) == ("reflect", "wide") else 0
    if min(seen) <= mirrors:
        raise UserError(
            f"padding: images of {image_shape[1]}×{image_shape[2]} pixels are too small for "
            f"{blocks.padding} in this network; allowed: another padding, or larger images"
        )
    encoder = nn.Sequential(
        blocks.halve(image_shape[0], channels),
        blocks.further(channels),
        blocks.halve(channels, 2 * channels),
        blocks.further(2 * channels),
        nn.Flatten(),
        nn.Linear(2 * channels * seen[0] * seen[1], latent_dim),
    )
    decoder = nn.Sequential(
        nn.Linear(latent_dim, prod(low)),
        blocks.activate(),
        nn.Unflatten(1, low),
        blocks.further(2 * channels),
        blocks.double(2 * channels, channels),
        blocks.activate_maps(),
        blocks.further(channels),
        replace(blocks, normalisation="none").double(channels, image_shape[0]),
        nn.Sigmoid(),
    )
    return encoder, decoder
