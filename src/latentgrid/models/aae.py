"""The adversarial autoencoder of source 004 (section 1.4) and of Makhzani et al. (2016)."""

from math import prod
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from latentgrid.data import Batch
from latentgrid.grid.hyperparameters import LatentDim, PositiveInteger
from latentgrid.models import ImageShape, Losses, Model, Player
from latentgrid.models.bases.adversarial import (
    DISCRIMINATOR,
    GENERATOR,
    discriminator_loss,
    generator_loss,
    normal_codes,
)
from latentgrid.models.bases.priors import PRIORS, Prior
from latentgrid.models.bases.reconstruction import SQUARED_ERROR, squared_error
from latentgrid.nets.dense import dense, dense_decoder


class AAE(Model):
    r"""An autoencoder whose codes a discriminator cannot tell from draws of a prior p(z).

    On each batch the discriminator takes a step, then the encoder as the generator of codes, then
    the autoencoder: source 004, section 1.4. Makhzani et al. (2016), "Adversarial autoencoders",
    section 2, begin with the autoencoder; on the next batch it is the same circle. `posterior` is
    how a code is drawn, given an image x and noise η ~ N(0, I) of d values:

    - deterministic: z = f(x), so that all chance is in the images;
    - gaussian: z = μ(x) + σ(x)·η;
    - universal: z = f(x, η), η appended to the pixels, for a posterior of any form.

    `prior` is what the codes are drawn to: N(0, I); `mixture`, ten long Gaussians around 0, like
    petals; `swiss_roll`, a spiral (both from figures 2 and 4 there). These two lie in the plane of
    the first two dimensions, and any others are N(0, 1). How steadily the codes keep to it, the
    term `within_prior` says from epoch to epoch.

    Networks as there on MNIST: two hidden layers of 1000 ReLUs each, sigmoid pixels, squared error.
    The normal prior has there a standard deviation of 5, and weights start from N(0, 0.01²); here
    these are 1 and Glorot and Bengio's, as in this project's other models.

    .. math::

        \mathcal{L}(x) = \lVert x - g(z) \rVert^2, \qquad z \sim q(z \mid x)

        \mathcal{L}_D(x) = -\log D(\zeta) - \log (1 - D(z)),
        \qquad \zeta \sim p(z)

        \mathcal{L}_E(x) = -\log D(z)

    The discriminator D of codes minimises the second, then the encoder the third, then encoder and
    decoder g the first, each with a draw of its own (source 004, section 1.4). Runs are compared by
    the first.
    """

    terms: ClassVar = {
        "reconstruction": SQUARED_ERROR,
        "discriminator": DISCRIMINATOR.replace("image", "code"),
        "generator": GENERATOR.replace("image", "code"),
        "within_prior": "1 if a code lies within the densest region that holds 95 % of the prior,"
        " else 0; on average the share of codes there",
    }
    loss_description: ClassVar = SQUARED_ERROR
    own_rates: ClassVar = ("discriminator_learning_rate", "generator_learning_rate")
    batch_loss_description: ClassVar = (
        "for each player the mean of its term over the images of a batch; `batch_sum` adds up the"
        " first player's, the discriminator's"
    )

    def __init__(
        self,
        image_shape: ImageShape,
        latent_dim: LatentDim,
        posterior: Literal["deterministic", "gaussian", "universal"] = "deterministic",
        hidden: PositiveInteger = 1000,
        prior: Literal["normal", "mixture", "swiss_roll"] = "normal",
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.posterior = posterior
        self.prior: Prior = PRIORS[prior](latent_dim)
        inputs = prod(image_shape) + (latent_dim if posterior == "universal" else 0)
        outputs = latent_dim * (2 if posterior == "gaussian" else 1)
        self.encoder = dense([inputs, hidden, hidden, outputs])
        self.decoder = dense_decoder(image_shape, [latent_dim, hidden, hidden], nn.Sigmoid())
        self.discriminator = dense([latent_dim, hidden, hidden, 1])

    def players(self) -> list[Player]:
        """Return the discriminator of codes, the encoder that deceives it, and the autoencoder."""
        encoder, decoder = list(self.encoder.parameters()), list(self.decoder.parameters())
        discriminator = list(self.discriminator.parameters())
        return [
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
            Player([encoder + decoder], self.reconstruction, self.batch_loss),
        ]

    def losses(self, batch: Batch, rng: torch.Generator) -> Losses:
        """Return what all three minimise, per image, and which codes lie within the prior."""
        return (
            self.discrimination(batch, rng)
            | self.deception(batch, rng)
            | self.reconstruction(batch, rng)
        )

    def loss(self, losses: Losses) -> Tensor:
        """Return the reconstruction error alone."""
        return losses["reconstruction"]

    def reconstruction(self, batch: Batch, rng: torch.Generator) -> Losses:
        """Return the squared error of each image, decoded from one draw of its code."""
        return {"reconstruction": squared_error(self.decoder(self.draw(batch, rng)), batch.images)}

    def discrimination(self, batch: Batch, rng: torch.Generator) -> Losses:
        """Return the discriminator's loss on a draw from the prior and on each image's code.

        And whether that code lies within the prior's region of 95 %, as 1 or 0.
        """
        prior, codes = self.prior.draw(len(batch), rng), self.draw(batch, rng)
        values = self.discriminator(prior), self.discriminator(codes)
        return {
            "discriminator": discriminator_loss(*values).squeeze(1),
            "within_prior": (self.log_prior(codes) >= self.prior.threshold).float(),
        }

    def deception(self, batch: Batch, rng: torch.Generator) -> Losses:
        """Return the encoder's loss as the generator of codes."""
        values = self.discriminator(self.draw(batch, rng))
        return {"generator": generator_loss(values).squeeze(1)}

    def draw(self, batch: Batch, rng: torch.Generator) -> Tensor:
        """Draw a code for each image from its posterior, (n, d)."""
        return self.codes(batch.images, normal_codes(batch, self.latent_dim, rng))

    def decode(self, codes: Tensor) -> Tensor:
        """Map codes (n, d) to images (n, c, h, w) in [0, 1]."""
        images: Tensor = self.decoder(codes)
        return images

    def log_prior(self, codes: Tensor) -> Tensor:
        """Return log p(z) in nats, codes (…, d) → (…)."""
        return self.prior.log_density(codes)

    def quantile(self, shares: Tensor) -> Tensor:
        """Map shares (n, d) in (0, 1), evenly spread, to codes (n, d) spread as the prior."""
        return self.prior.quantile(shares)

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """Decode n codes drawn from the prior."""
        return self.decode(self.prior.draw(n, rng))

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
