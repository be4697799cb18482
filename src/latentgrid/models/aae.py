"""The adversarial autoencoder of source 004 (section 1.4) and of Makhzani et al. (2016)."""

from math import prod
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from latentgrid.data import Batch
from latentgrid.grid.hyperparameters import LatentDim, PositiveInteger
from latentgrid.models import ImageShape, Losses, Player
from latentgrid.models.bases.adversarial import (
    DISCRIMINATOR,
    GENERATOR,
    discriminator_loss,
    generator_loss,
    normal_codes,
)
from latentgrid.models.bases.prior import StandardNormalPrior
from latentgrid.models.bases.reconstruction import SQUARED_ERROR, squared_error
from latentgrid.nets.dense import dense, dense_decoder


class AAE(StandardNormalPrior):
    r"""An autoencoder whose codes a discriminator cannot tell from draws of the prior N(0, I).

    On each batch autoencoder, discriminator and encoder take a step each: Makhzani et al. (2016),
    "Adversarial autoencoders", section 2. `posterior` is how a code is drawn, given an image x and
    noise η ~ N(0, I) of d values:

    - deterministic: z = f(x), so that all chance is in the images;
    - gaussian: z = μ(x) + σ(x)·η;
    - universal: z = f(x, η), η appended to the pixels, for a posterior of any form.

    Networks as there on MNIST: two hidden layers of 1000 ReLUs each, sigmoid pixels, squared error.
    The prior has there a standard deviation of 5, and weights start from N(0, 0.01²); here these
    are 1 and Glorot and Bengio's, as in this project's other models.

    .. math::

        \mathcal{L}(x) = \lVert x - g(z) \rVert^2, \qquad z \sim q(z \mid x)

        \mathcal{L}_D(x) = -\log D(\zeta) - \log (1 - D(z)),
        \qquad \zeta \sim \mathcal{N}(0, I)

        \mathcal{L}_E(x) = -\log D(z)

    Encoder and decoder g minimise the first, the discriminator D of codes the second, the encoder
    alone the third, one after another on each batch, each with a draw of its own (Makhzani et al.
    2016, section 2; source 004, section 1.4). Runs are compared by the first.
    """

    terms: ClassVar = {
        "reconstruction": SQUARED_ERROR,
        "discriminator": DISCRIMINATOR.replace("image", "code"),
        "generator": GENERATOR.replace("image", "code"),
    }
    loss_description: ClassVar = SQUARED_ERROR
    own_rates: ClassVar = ("discriminator_learning_rate", "generator_learning_rate")

    def __init__(
        self,
        image_shape: ImageShape,
        latent_dim: LatentDim,
        posterior: Literal["deterministic", "gaussian", "universal"] = "deterministic",
        hidden: PositiveInteger = 1000,
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.posterior = posterior
        inputs = prod(image_shape) + (latent_dim if posterior == "universal" else 0)
        outputs = latent_dim * (2 if posterior == "gaussian" else 1)
        self.encoder = dense([inputs, hidden, hidden, outputs])
        self.decoder = dense_decoder(image_shape, [latent_dim, hidden, hidden], nn.Sigmoid())
        self.discriminator = dense([latent_dim, hidden, hidden, 1])

    def players(self) -> list[Player]:
        """Return the autoencoder, the discriminator of codes, and the encoder that deceives it."""
        encoder, decoder = list(self.encoder.parameters()), list(self.decoder.parameters())
        discriminator = list(self.discriminator.parameters())
        return [
            Player([encoder + decoder], self.reconstruction, self.batch_loss),
            Player(
                [discriminator],
                self.discrimination,
                lambda of: of["discriminator"].mean(),
                rate="discriminator_learning_rate",
            ),
            Player(
                [encoder],
                self.deception,
                lambda of: of["generator"].mean(),
                rate="generator_learning_rate",
            ),
        ]

    def losses(self, batch: Batch, rng: torch.Generator) -> Losses:
        """Return what all three minimise, per image."""
        return (
            self.reconstruction(batch, rng)
            | self.discrimination(batch, rng)
            | self.deception(batch, rng)
        )

    def loss(self, losses: Losses) -> Tensor:
        """Return the reconstruction error alone."""
        return losses["reconstruction"]

    def reconstruction(self, batch: Batch, rng: torch.Generator) -> Losses:
        """Return the squared error of each image, decoded from one draw of its code."""
        return {"reconstruction": squared_error(self.decoder(self.draw(batch, rng)), batch.images)}

    def discrimination(self, batch: Batch, rng: torch.Generator) -> Losses:
        """Return the discriminator's loss on a draw from the prior and on each image's code."""
        prior = normal_codes(batch, self.latent_dim, rng)
        values = self.discriminator(prior), self.discriminator(self.draw(batch, rng))
        return {"discriminator": discriminator_loss(*values).squeeze(1)}

    def deception(self, batch: Batch, rng: torch.Generator) -> Losses:
        """Return the encoder's loss as the generator of codes."""
        values = self.discriminator(self.draw(batch, rng))
        return {"generator": generator_loss(values).squeeze(1)}

    def draw(self, batch: Batch, rng: torch.Generator) -> Tensor:
        """Draw a code for each image from its posterior, (n, d)."""
        return self.codes(batch.images, normal_codes(batch, self.latent_dim, rng))

    def encode(self, images: Tensor) -> Tensor:
        """Return the code at η = 0: the mean of a Gaussian posterior, the middle of a universal."""
        return self.codes(images, images.new_zeros(len(images), self.latent_dim))

    def codes(self, images: Tensor, noise: Tensor) -> Tensor:
        """Return the codes (n, d) that the posterior makes of images and noise η (n, d)."""
        pixels = images.flatten(1)
        if self.posterior == "universal":
            pixels = torch.cat([pixels, noise], dim=1)
        codes: Tensor = self.encoder(pixels)
        if self.posterior == "gaussian":
            mean, log_variance = codes.chunk(2, dim=1)
            codes = mean + torch.exp(log_variance / 2) * noise
        return codes
