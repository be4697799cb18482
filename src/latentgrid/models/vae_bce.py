"""The dense variational autoencoder with cross entropy of sources 002 (chapter 3) and 004."""

from math import prod
from typing import Literal

from torch import nn

from latentgrid.grid.hyperparameters import LatentDim, PositiveInteger
from latentgrid.models import ImageShape
from latentgrid.models.bases.bernoulli import BernoulliVAE
from latentgrid.nets.dense import dense, dense_decoder, keras_leaky_relu


class VAEBCE(BernoulliVAE):
    """A dense variational autoencoder with cross entropy, LeakyReLU and a sigmoid output.

    The sources give one hidden layer on each side and no width; 500 units are those of Kingma and
    Welling (2014, section 5) for MNIST, who also find one draw enough with batches of 100. Source
    002 ran Keras's cross entropy, `clipped`.

    Tested against Keras itself (docs/witnesses.md).
    """

    def __init__(
        self,
        image_shape: ImageShape,
        latent_dim: LatentDim,
        hidden: PositiveInteger = 500,
        hidden_layers: PositiveInteger = 1,
        estimator: Literal["analytic", "sampled"] = "analytic",
        samples: PositiveInteger = 1,
        cross_entropy: Literal["exact", "clipped"] = "exact",
    ) -> None:
        widths = [hidden] * hidden_layers
        super().__init__(
            latent_dim,
            encoder=dense(
                [prod(image_shape), *widths, 2 * latent_dim], activation=keras_leaky_relu
            ),
            decoder=dense_decoder(
                image_shape, [latent_dim, *widths], nn.Sigmoid(), keras_leaky_relu
            ),
            estimator=estimator,
            samples=samples,
            cross_entropy=cross_entropy,
        )
