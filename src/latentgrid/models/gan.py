"""The generative adversarial network of Goodfellow et al. (2014), and of sources 001 and 004."""

from typing import Literal

from latentgrid.grid.hyperparameters import LatentDim, PositiveInteger
from latentgrid.models import ImageShape
from latentgrid.models.bases.adversarial import (
    JensenShannon,
    discriminator_network,
    generator_network,
)
from latentgrid.models.bases.prior import StandardNormalPrior


class GAN(JensenShannon, StandardNormalPrior):
    """A generator that learns to make images which a discriminator takes for real ones.

    By default two hidden layers of 1200 units on each side, as Goodfellow et al. (2014) had on
    MNIST: their generator of ReLUs, and LeakyReLUs for their 240 maxout units of five pieces.
    The prior is source 001's N(0, I), where theirs is uniform. `hidden` is for the dense networks,
    `channels` for convolutional ones in the manner of Radford et al. (2016): `conv`, and
    `conv_dense`, which has a dense layer of `hidden` units before and behind the convolutions, so
    that the discriminator sees an image as a whole: those of Chen et al. (2016), "InfoGAN",
    appendix C.1, with 64 channels and 1024 units on MNIST.
    """

    def __init__(
        self,
        image_shape: ImageShape,
        latent_dim: LatentDim,
        hidden: PositiveInteger = 1200,
        discriminator_steps: PositiveInteger = 1,
        network: Literal["dense", "conv", "conv_dense"] = "dense",
        channels: PositiveInteger = 64,
        generator_loss: Literal["non_saturating", "minimax"] = "non_saturating",
    ) -> None:
        super().__init__(latent_dim, network, discriminator_steps, "discriminator_steps")
        self.generator_loss = generator_loss
        self.decoder = generator_network(network, image_shape, latent_dim, hidden, channels)
        self.discriminator = discriminator_network(network, image_shape, hidden, channels)
