"""The denoising autoencoder of sources 003 and 004."""

from typing import Literal

from latentgrid.grid.hyperparameters import Corruption, LatentDim, PositiveInteger
from latentgrid.models import ImageShape
from latentgrid.models.bases.autoencoder import Autoencoder, dense_pair
from latentgrid.models.bases.denoiser import Denoiser
from latentgrid.nets.blocks import Blocks, conv_pair


class DAE(Denoiser, Autoencoder):
    """An autoencoder that sees damaged images and is trained to give back the clean ones.

    `network` is that of `conv_ae`, which reads `channels`, or that of `ae`, which reads `hidden`.
    Sources 003 and 004 leave it open; convolutions are what source 003 shows on MNIST, and half of
    the pixels removed is its first damage. The loss is source 003's for both networks.
    """

    def __init__(
        self,
        image_shape: ImageShape,
        latent_dim: LatentDim,
        corruption: Corruption = "pixels_50",
        network: Literal["dense", "conv"] = "conv",
        hidden: PositiveInteger = 500,
        channels: PositiveInteger = 32,
    ) -> None:
        if network == "dense":
            pair = dense_pair(image_shape, latent_dim, hidden)
        else:
            pair = conv_pair(image_shape, latent_dim, channels, Blocks())
        super().__init__(latent_dim, *pair)
        self.corruption = corruption
