"""The Gaussian posterior, and the variational autoencoder with squared error of source 000."""

from math import log, pi
from typing import ClassVar

import torch
from torch import Tensor, nn

from latentgrid.data import Batch
from latentgrid.models import Losses, Model
from latentgrid.models.bases.prior import StandardNormalPrior
from latentgrid.models.bases.reconstruction import SQUARED_ERROR, squared_error


class GaussianPosterior(Model):
    """An encoder that returns the mean and log-variance of the codes, and a decoder."""

    def __init__(self, latent_dim: int, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.encoder = encoder
        self.decoder = decoder

    def posterior(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of q(z│x), each (n, d)."""
        mean, log_variance = self.encoder(images).chunk(2, dim=1)
        return mean, log_variance

    def encode(self, images: Tensor) -> Tensor:
        """Return the posterior mean (n, d)."""
        return self.posterior(images)[0]

    def propose(self, images: Tensor, draws: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw codes z = mean + σ·ε, ε ~ N(0, I), and return them with log q(z│x) in nats.

        Images (n, c, h, w) → (draws, n, d) and (draws, n); log q(z│x) = −½·Σ(ε² + log σ² + log 2π).
        """
        mean, log_variance = self.posterior(images)
        noise = torch.randn(draws, *mean.shape, generator=rng).to(mean)
        codes = mean + torch.exp(log_variance / 2) * noise
        return codes, -(noise.square() + log_variance + log(2 * pi)).sum(dim=-1) / 2


class GaussianVAE(GaussianPosterior, StandardNormalPrior):
    r"""Squared error plus KL divergence; a subclass chooses the two networks.

    .. math::

        \mathcal{L}(x) = \lVert x - g(z) \rVert^2 + \mathrm{KL}

        \mathrm{KL} = \tfrac{1}{2} \sum_{j=1}^{d}
        \left( \sigma_j^2 + \mu_j^2 - 1 - \log \sigma_j^2 \right)

        z = \mu + \sigma \odot \varepsilon, \qquad \varepsilon \sim \mathcal{N}(0, I)

        \mathcal{B} = \sum_{i=1}^{n} \mathcal{L}(x_i) + \tfrac{1}{2} (n - 1) \, d

    The encoder gives μ and log σ² of each image, d values each, and g is the decoder. The first is
    the negative ELBO in nats, less ½·784·log π, of a decoder N(x̂, ½·I) (Kingma and Welling 2014,
    eq. 10; source 000, eq. 6.3.2). A step minimises the last over the n images of a batch: source
    000 subtracts d once per batch, which adds a constant and moves no gradient.
    """

    terms: ClassVar = {
        "reconstruction": SQUARED_ERROR,
        "kl": "nats per image",
    }
    loss_description: ClassVar = "squared error + KL, per image"
    batch_loss_description: ClassVar = (
        "sum over the images of a batch, with d subtracted once per batch"
    )
    annealed: ClassVar = ("kl",)

    def losses(self, batch: Batch, rng: torch.Generator) -> Losses:
        """Return squared error and KL per image, with one posterior draw."""
        images = batch.images
        mean, log_variance = self.posterior(images)
        noise = torch.empty_like(mean).normal_(generator=rng)
        reconstruction = self.decoder(mean + torch.exp(log_variance / 2) * noise)
        return {
            "reconstruction": squared_error(reconstruction, images),
            "kl": kl_to_standard_normal(mean, log_variance),
        }

    def batch_loss(self, losses: Losses) -> Tensor:
        """Return the batch loss of source 000, which subtracts d once per batch, not per image.

        It exceeds the sum over the images by a constant that moves no gradient.
        """
        sums = losses["reconstruction"].sum() + losses["kl"].sum()
        return sums + self.batch_surplus(len(losses["kl"]))

    def batch_surplus(self, n: int) -> float:
        """Return ½·(n − 1)·d."""
        return (n - 1) * self.latent_dim / 2


def kl_to_standard_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return KL(N(mean, exp(log_variance)) ‖ N(0, I)) in nats, (n, d) → (n,).

    ½·Σ(σ² + μ² − 1 − log σ²): Kingma and Welling (2014), appendix B.
    """
    return (log_variance.exp() + mean.square() - 1 - log_variance).sum(dim=1) / 2


def log_normal(codes: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return log N(z; mean, diag exp(log_variance)) in nats, (…, d) → (…); all are broadcast."""
    squares = (codes - mean).square() * torch.exp(-log_variance)
    return -(squares + log_variance + log(2 * pi)).sum(dim=-1) / 2
