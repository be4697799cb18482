"""The convolutional autoencoder of source 003, and the building blocks of source 001 compared."""

from typing import Literal

from latentgrid.grid.hyperparameters import LatentDim, PositiveInteger
from latentgrid.models import ImageShape
from latentgrid.models.bases.autoencoder import Autoencoder
from latentgrid.nets.blocks import Blocks, conv_pair


class ConvAE(Autoencoder):
    """A convolutional autoencoder with a mirrored decoder, whose building blocks can be chosen.

    Source 003 says no more than that. Here the sides are halved twice by 3×3 convolutions of 32 and
    64 channels, as in source 000, and a dense layer follows; the output is a sigmoid.
    """

    def __init__(
        self,
        image_shape: ImageShape,
        latent_dim: LatentDim,
        channels: PositiveInteger = 32,
        activation: Literal["relu", "leaky_relu", "elu", "tanh"] = "relu",
        normalisation: Literal["none", "batch", "layer", "weight"] = "none",
        downsampling: Literal["stride", "max", "average"] = "stride",
        upsampling: Literal["transposed", "nearest", "bilinear"] = "transposed",
        padding: Literal["zeros", "reflect", "circular"] = "zeros",
        block: Literal["single", "plain", "residual"] = "single",
    ) -> None:
        blocks = Blocks(activation, normalisation, downsampling, upsampling, padding, block)
        super().__init__(latent_dim, *conv_pair(image_shape, latent_dim, channels, blocks))
