"""The convolutional autoencoder of source 003, and the building blocks of source 001 compared."""

from dataclasses import replace
from typing import Literal

import torch

from latentgrid.data import Batch
from latentgrid.data.augmentation import AUGMENTATIONS
from latentgrid.grid.hyperparameters import LatentDim, PositiveInteger
from latentgrid.models import ImageShape, Losses, Player
from latentgrid.models.bases.autoencoder import Autoencoder
from latentgrid.nets.blocks import Blocks, conv_pair


class ConvAE(Autoencoder):
    """A convolutional autoencoder with a mirrored decoder, whose building blocks can be chosen.

    Source 003 says no more than that. Here the sides are halved twice by 3×3 convolutions of 32 and
    64 channels, as in source 000, and a dense layer follows; the output is a sigmoid.

    With `augmentation`, each training step sees its images shifted, mirrored or both at random, and
    gives these back; the training loss is then that of such images, the test loss never.
    """

    def __init__(
        self,
        image_shape: ImageShape,
        latent_dim: LatentDim,
        channels: PositiveInteger = 32,
        activation: Literal["relu", "leaky_relu", "elu", "tanh"] = "relu",
        normalisation: Literal["none", "batch", "layer", "weight", "local_response"] = "none",
        downsampling: Literal["stride", "max", "average", "overlapping"] = "stride",
        upsampling: Literal["transposed", "nearest", "bilinear", "unpooling"] = "transposed",
        padding: Literal["zeros", "reflect", "circular", "none"] = "zeros",
        block: Literal["single", "plain", "residual", "wide"] = "single",
        depth: PositiveInteger = 1,
        augmentation: Literal["none", "shift", "reflection", "both"] = "none",
    ) -> None:
        blocks = Blocks(activation, normalisation, downsampling, upsampling, padding, block, depth)
        super().__init__(latent_dim, *conv_pair(image_shape, latent_dim, channels, blocks))
        self.augment = AUGMENTATIONS[augmentation]

    def players(self) -> list[Player]:
        """Return one player, whose steps see augmented images."""
        return [replace(player, losses=self.augmented_losses) for player in super().players()]

    def augmented_losses(self, batch: Batch, rng: torch.Generator) -> Losses:
        """Return the squared error per image of the batch's images, augmented."""
        return self.losses(replace(batch, images=self.augment(batch.images, rng)), rng)
