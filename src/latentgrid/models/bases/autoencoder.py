"""The base classes of autoencoders that define no probability distribution."""

from math import prod
from typing import ClassVar

import torch
from torch import Tensor, nn

from latentgrid.data import Batch
from latentgrid.errors import UserError
from latentgrid.models import ImageShape, Losses, Model
from latentgrid.models.bases.reconstruction import (
    CROSS_ENTROPY,
    SQUARED_ERROR,
    cross_entropy,
    squared_error,
)
from latentgrid.nets.dense import dense, dense_decoder, keras_leaky_relu


class Autoencoder(Model):
    r"""An encoder to codes and a decoder to images in [0, 1], trained on the squared error.

    .. math::

        \mathcal{L}(x) = \lVert x - \hat{x} \rVert^2, \qquad \hat{x} = g(f(x))

    f is the encoder, g the decoder, and the norm sums over pixels (source 003, "Auto-encoders").
    """

    terms: ClassVar = {"reconstruction": SQUARED_ERROR}
    loss_description: ClassVar = "squared error, per image"

    def __init__(self, latent_dim: int, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.encoder = encoder
        self.decoder = decoder

    def encode(self, images: Tensor) -> Tensor:
        """Return the codes (n, d)."""
        codes: Tensor = self.encoder(images)
        return codes

    def decode(self, codes: Tensor) -> Tensor:
        """Map codes (n, d) to images (n, c, h, w) in [0, 1]."""
        images: Tensor = self.decoder(codes)
        return images

    def losses(self, batch: Batch, rng: torch.Generator) -> Losses:
        """Return the squared error per image."""
        reconstruction = self.decode(self.encode(batch.images))
        return {"reconstruction": squared_error(reconstruction, batch.images)}


class DenseAutoencoder(Autoencoder):
    r"""Dense networks with hidden layers on each side, trained on the cross entropy of pixels.

    .. math::

        \mathcal{L}(x) = -\sum_{p} \left[ x_p \log \hat{x}_p
        + (1 - x_p) \log (1 - \hat{x}_p) \right]

        \hat{x} = g(f(x))

    f is the encoder, g the decoder, and p counts the pixels. Source 002, section 4.1.1: LeakyReLU
    after the hidden layers, a linear code, a sigmoid output.
    """

    terms: ClassVar = {"reconstruction": CROSS_ENTROPY}
    loss_description: ClassVar = "cross entropy, nats per image"

    def __init__(self, image_shape: ImageShape, latent_dim: int, *widths: int) -> None:
        super().__init__(latent_dim, *dense_pair(image_shape, latent_dim, *widths))

    def losses(self, batch: Batch, rng: torch.Generator) -> Losses:
        """Return the cross entropy per image."""
        reconstruction = self.decode(self.encode(batch.images))
        return {"reconstruction": cross_entropy(reconstruction, batch.images)}


class PenalisedAutoencoder(DenseAutoencoder):
    """A dense autoencoder with a second term that a subclass adds to its losses.

    Attributes:
        penalty: λ, the second term's weight in the loss.
    """

    loss_depends_on: ClassVar = ("penalty",)
    ranked_by: ClassVar = "test_squared_error"

    def __init__(
        self, image_shape: ImageShape, latent_dim: int, hidden: int, penalty: float
    ) -> None:
        super().__init__(image_shape, latent_dim, hidden)
        self.penalty = penalty

    def loss(self, losses: Losses) -> Tensor:
        """Return cross entropy + λ · the second term."""
        reconstruction, term = (losses[name] for name in self.terms)
        return reconstruction + self.penalty * term


def dense_pair(
    image_shape: ImageShape, latent_dim: int, *widths: int
) -> tuple[nn.Sequential, nn.Sequential]:
    """Return source 002's encoder and decoder: LeakyReLU, and a sigmoid output.

    The encoder's hidden layers have these widths, and the decoder's the same in reverse.
    """
    return (
        dense([prod(image_shape), *widths, latent_dim], activation=keras_leaky_relu),
        dense_decoder(image_shape, [latent_dim, *widths[::-1]], nn.Sigmoid(), keras_leaky_relu),
    )


def narrowing_widths(hidden: int, layers: int, narrowing: int) -> list[int]:
    """Return the widths of hidden layers, each `narrowing` times narrower than the one before.

    Raises:
        UserError: no unit is left in the last one.
    """
    widths = [hidden // narrowing**layer for layer in range(layers)]
    if not widths[-1]:
        raise UserError(
            f"narrowing: found {narrowing}, which leaves no unit in layer {widths.index(0) + 1} of "
            f"{layers} after {hidden} in the first; allowed: a smaller one, or fewer layers"
        )
    return widths
