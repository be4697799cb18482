"""The convolutional variational autoencoder of source 002 (section 4.3.3), its "CVAE"."""

from math import prod
from typing import Literal

from torch import nn

from latentgrid.grid.hyperparameters import LatentDim, PositiveInteger, PositiveReal
from latentgrid.models import ImageShape
from latentgrid.models.bases.bernoulli import BernoulliVAE
from latentgrid.nets.conv5 import conv5_decoder, conv5_encoder
from latentgrid.nets.dense import dense, dense_decoder, keras_leaky_relu


class Conv5VAE(BernoulliVAE):
    """A variational autoencoder of 5×5 convolutions with cross entropy, LeakyReLU and a sigmoid.

    Either side may be the dense network of `vae_bce` instead, with one layer of `hidden` units:
    source 002 (section 5.3) proposes to improve the encoder alone. Where the decoder ends in a
    convolution, Keras computes the cross entropy of the logits and cuts nothing: that is this one.

    Tested against Keras itself (docs/witnesses.md).
    """

    def __init__(
        self,
        image_shape: ImageShape,
        latent_dim: LatentDim,
        encoder: Literal["conv", "dense"] = "conv",
        decoder: Literal["conv", "dense"] = "conv",
        hidden: PositiveInteger = 500,
        beta: PositiveReal = 1.0,
        estimator: Literal["analytic", "sampled"] = "analytic",
        samples: PositiveInteger = 1,
    ) -> None:
        outputs = 2 * latent_dim
        super().__init__(
            latent_dim,
            encoder=conv5_encoder(image_shape, outputs)
            if encoder == "conv"
            else dense([prod(image_shape), hidden, outputs], activation=keras_leaky_relu),
            decoder=conv5_decoder(image_shape, latent_dim)
            if decoder == "conv"
            else dense_decoder(image_shape, [latent_dim, hidden], nn.Sigmoid(), keras_leaky_relu),
            beta=beta,
            estimator=estimator,
            samples=samples,
        )
