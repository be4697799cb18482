"""The variational autoencoder with Gaussian posterior and cross entropy of sources 002 and 004."""

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from latentgrid.data import Batch
from latentgrid.models import Losses
from latentgrid.models.bases.gaussian import GaussianPosterior, kl_to_standard_normal
from latentgrid.models.bases.keras import CROSS_ENTROPIES, glorot_uniform_heads
from latentgrid.models.bases.prior import StandardNormalPrior
from latentgrid.models.bases.reconstruction import CROSS_ENTROPY


class BernoulliVAE(GaussianPosterior, StandardNormalPrior):
    r"""Cross entropy plus β times the KL divergence; a subclass chooses the two networks.

    .. math::

        \mathcal{L}(x) = -\frac{1}{L} \sum_{l=1}^{L} \log p(x \mid z_l)
        + \beta \, \mathrm{KL}(q(z \mid x) \,\Vert\, \mathcal{N}(0, I))

        \log p(x \mid z) = \sum_{p} \left[ x_p \log g(z)_p + (1 - x_p) \log (1 - g(z)_p) \right]

        \mathrm{KL} = \tfrac{1}{2} \sum_{j=1}^{d}
        \left( \sigma_j^2 + \mu_j^2 - 1 - \log \sigma_j^2 \right)

        z_l = \mu + \sigma \odot \varepsilon_l, \qquad \varepsilon_l \sim \mathcal{N}(0, I)

    The encoder gives μ and log σ² of each image, d values each, g is the decoder, and p counts the
    pixels; where a model has no hyperparameter `beta`, β is 1. Then the loss is the negative ELBO
    in nats of a decoder that is Bernoulli in each pixel, by one of the two estimators of Kingma and
    Welling (2014; source 004, section 1.3) with `samples` draws of the posterior, here L:
    "analytic" is L^B (eq. 7), whose KL is the closed form, "sampled" is L^A (eq. 6), whose KL is
    the mean of log q(z│x) − log p(z) over the draws. Both have the same mean. The weight β is that
    of Higgins et al. (2017), eq. 4, and of source 002, section 3.3.

    The encoder ends in a dense layer of both mean and log-variance. `cross_entropy` "clipped" is
    Keras's, which is not quite the negative ELBO's.
    """

    terms: ClassVar = {
        "reconstruction": CROSS_ENTROPY,
        "kl": "nats per image",
    }
    loss_description: ClassVar = "cross entropy + β·KL, per image"
    loss_depends_on: ClassVar = ("beta", "cross_entropy")
    ranked_by: ClassVar = "importance_bound"
    annealed: ClassVar = ("kl",)

    def __init__(
        self,
        latent_dim: int,
        encoder: nn.Module,
        decoder: nn.Module,
        *,
        beta: float = 1.0,
        estimator: Literal["analytic", "sampled"] = "analytic",
        samples: int = 1,
        cross_entropy: Literal["exact", "clipped"] = "exact",
    ) -> None:
        super().__init__(latent_dim, encoder, decoder)
        self.cross_entropy = CROSS_ENTROPIES[cross_entropy]
        self.beta = beta
        self.estimator = estimator
        self.samples = samples

    def initialise(self, rng: torch.Generator) -> None:
        """Set the weights before training; mean and log-variance start as layers of their own."""
        super().initialise(rng)
        glorot_uniform_heads(self.encoder, rng)

    def losses(self, batch: Batch, rng: torch.Generator) -> Losses:
        """Return cross entropy and KL per image, averaged over the draws of the posterior."""
        mean, log_variance = self.posterior(batch.images)
        noise = mean.new_empty(self.samples, *mean.shape).normal_(generator=rng)
        codes = mean + torch.exp(log_variance / 2) * noise
        images = batch.images.repeat(self.samples, 1, 1, 1)
        reconstruction = self.cross_entropy(self.decoder(codes.flatten(0, 1)), images)
        kl = (
            kl_to_standard_normal(mean, log_variance)
            if self.estimator == "analytic"
            else log_ratio_to_standard_normal(codes, noise, log_variance).mean(dim=0)
        )
        return {"reconstruction": reconstruction.view(self.samples, -1).mean(dim=0), "kl": kl}

    def loss(self, losses: Losses) -> Tensor:
        """Return cross entropy + β·KL (Higgins et al. 2017, eq. 4)."""
        return losses["reconstruction"] + self.beta * losses["kl"]


def log_ratio_to_standard_normal(codes: Tensor, noise: Tensor, log_variance: Tensor) -> Tensor:
    """Return log q(z│x) − log p(z) in nats of codes z = mean + σ·noise, (…, n, d) → (…, n).

    ½·Σ(z² − ε² − log σ²), negative where the prior is denser than the posterior.
    """
    return (codes.square() - noise.square() - log_variance).sum(dim=-1) / 2
