"""The convolutional variational autoencoder of source 000 (section 6.3.2)."""

from typing import ClassVar

from latentgrid.grid.hyperparameters import LatentDim
from latentgrid.models import ImageShape
from latentgrid.models.bases.gaussian import GaussianVAE
from latentgrid.nets.conv import conv_decoder, conv_encoder


class ConvVAE(GaussianVAE):
    """A variational autoencoder of two convolutions and three transposed ones, linear output.

    Tested against TensorFlow itself (docs/witnesses.md).
    """

    in_turn: ClassVar = ("encoder", "decoder")

    def __init__(self, image_shape: ImageShape, latent_dim: LatentDim) -> None:
        super().__init__(
            latent_dim,
            encoder=conv_encoder(image_shape, 2 * latent_dim),
            decoder=conv_decoder(image_shape, latent_dim),
        )
