"""The dense variational autoencoder of source 000 (section 6.3.1)."""

from math import prod
from typing import ClassVar

from torch import nn

from latentgrid.grid.hyperparameters import LatentDim
from latentgrid.models import ImageShape
from latentgrid.models.bases.gaussian import GaussianVAE
from latentgrid.nets.dense import dense, dense_decoder

HIDDEN = 512


class VAE(GaussianVAE):
    """A dense variational autoencoder, 784–512–512–512–2d and d–512–512–784, ReLU throughout.

    Tested against TensorFlow itself (docs/witnesses.md).
    """

    in_turn: ClassVar = ("encoder", "decoder")

    def __init__(self, image_shape: ImageShape, latent_dim: LatentDim) -> None:
        super().__init__(
            latent_dim,
            encoder=dense([prod(image_shape), HIDDEN, HIDDEN, HIDDEN, 2 * latent_dim]),
            decoder=dense_decoder(image_shape, [latent_dim, HIDDEN, HIDDEN], output=nn.ReLU()),
        )
