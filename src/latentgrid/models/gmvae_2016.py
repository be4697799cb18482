"""The Gaussian mixture variational autoencoder that source 002 cites (section 5.1.2)."""

from math import log, prod
from typing import ClassVar

import torch
from torch import Tensor, nn

from latentgrid.data import Batch
from latentgrid.grid.hyperparameters import LatentDim, PositiveInteger
from latentgrid.models import ImageShape, Losses
from latentgrid.models.bases.gaussian import GaussianPosterior, kl_to_standard_normal, log_normal
from latentgrid.models.bases.reconstruction import CROSS_ENTROPY, cross_entropy
from latentgrid.nets.dense import dense, dense_decoder

WIDTHS = (500, 500, 2000)
PRIOR_WIDTH = 500


class GMVAE2016(GaussianPosterior):
    r"""A variational autoencoder whose clusters have any shape: a network of noise draws each.

    Dilokthanakul et al. (2016), "Deep unsupervised clustering with Gaussian mixture variational
    autoencoders". `gmvae` is another model, VaDE: there a cluster is one Gaussian whose mean and
    variance are trained numbers, and training begins with a plain autoencoder and a mixture fitted
    to its codes. Here mean and variance of a cluster's Gaussian come from a network of further
    noise w, so that a cluster is an infinite mixture; all clusters are equally likely, and training
    begins at once from random weights, which finds fewer clusters. Encoder and decoder are those
    of `gmvae`, so that the priors alone differ; the paper has convolutions on MNIST, z of 200 and w
    of 150 dimensions, and in part of its experiments keeps the last term from falling below a
    constant, which is left out here.

    .. math::

        \mathcal{L}(x) = -\log p(x \mid z) + \sum_{c} \gamma_c
        \left( \mathrm{KL}(q(z \mid x) \,\Vert\, p(z \mid w, c)) + \log (C \gamma_c) \right)
        + \mathrm{KL}(q(w \mid x) \,\Vert\, \mathcal{N}(0, I))

        \gamma_c = \frac{p(z \mid w, c)}{\sum_{k} p(z \mid w, k)}

        p(z \mid w, c) = \mathcal{N}(z;\, m_c(w), \mathrm{diag} \, s_c^2(w))

    The encoder gives mean and log-variance of q(z│x) and of q(w│x), from each of which one draw is
    taken; p(x│z) is the decoder, Bernoulli in each pixel; a network with one hidden layer of tanh
    gives m_c and log s_c² of the C components (Dilokthanakul et al. 2016, eqs. 1 to 6). The code is
    the mean of q(z│x); bounds on the likelihood draw w too, which then stands behind the code.
    """

    terms: ClassVar = {
        "reconstruction": CROSS_ENTROPY,
        "kl": "KL of q(z│x) to the components, nats per image",
        "noise_kl": "KL of q(w│x) to N(0, I), nats per image",
        "cluster_kl": "KL of the responsibilities to equal weights, nats per image",
    }
    loss_description: ClassVar = "negative ELBO: cross entropy + three KLs, per image"

    def __init__(
        self,
        image_shape: ImageShape,
        latent_dim: LatentDim,
        noise_dim: LatentDim = 10,
        components: PositiveInteger = 10,
    ) -> None:
        both = latent_dim + noise_dim
        super().__init__(
            latent_dim,
            encoder=dense([prod(image_shape), *WIDTHS, 2 * both]),
            decoder=dense_decoder(image_shape, [latent_dim, *WIDTHS[::-1]], output=nn.Sigmoid()),
        )
        self.components = components
        self.noise_dim = noise_dim
        self.prior = dense(
            [noise_dim, PRIOR_WIDTH, components * 2 * latent_dim], activation=nn.Tanh
        )

    def encode(self, images: Tensor) -> Tensor:
        """Return the mean of q(z│x), (n, d)."""
        return self.posterior(images)[0][:, : self.latent_dim]

    def decode(self, codes: Tensor) -> Tensor:
        """Map codes (n, d) to images (n, c, h, w) in [0, 1]; w may stand behind them."""
        images: Tensor = self.decoder(codes[:, : self.latent_dim])
        return images

    def parts(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Part (…, d + e) into what belongs to z, (…, d), and what belongs to w, (…, e)."""
        return codes[..., : self.latent_dim], codes[..., self.latent_dim :]

    def mixture(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Map w (…, e) to means and log-variances of all components, each (…, components, d)."""
        shape = (*noise.shape[:-1], self.components, 2 * self.latent_dim)
        outputs = self.prior(noise.reshape(-1, self.noise_dim)).reshape(shape)
        means, log_variances = outputs.chunk(2, dim=-1)
        return means, log_variances

    def log_prior(self, codes: Tensor) -> Tensor:
        """Return log p(z, w) = log p(w) + log Σ p(z│w, c)/C in nats, (…, d + e) → (…)."""
        z, w = self.parts(codes)
        each = log_normal(z[..., None, :], *self.mixture(w))
        zero = torch.zeros_like(w)
        return each.logsumexp(dim=-1) - log(self.components) + log_normal(w, zero, zero)

    def losses(self, batch: Batch, rng: torch.Generator) -> Losses:
        """Return the four terms of the negative ELBO per image, with one draw of z and of w."""
        mean, log_variance = self.posterior(batch.images)
        draws = torch.empty_like(mean).normal_(generator=rng)
        codes = mean + torch.exp(log_variance / 2) * draws
        (z, w), (mean, w_mean), (log_variance, w_log_variance) = map(
            self.parts, (codes, mean, log_variance)
        )
        means, log_variances = self.mixture(w)
        log_gamma = log_normal(z[:, None], means, log_variances).log_softmax(dim=1)
        gamma = log_gamma.exp()
        log_ratio = log_variance[:, None] - log_variances
        squares = (mean[:, None] - means).square() * torch.exp(-log_variances)
        divergences = (log_ratio.exp() + squares - 1 - log_ratio).sum(dim=2) / 2
        return {
            "reconstruction": cross_entropy(self.decoder(z), batch.images),
            "kl": (gamma * divergences).sum(dim=1),
            "noise_kl": kl_to_standard_normal(w_mean, w_log_variance),
            "cluster_kl": (gamma * log_gamma).sum(dim=1) + log(self.components),
        }

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """Decode n codes drawn from the prior: w, a component, then z."""
        device = next(self.parameters()).device
        noise = torch.randn(n, self.noise_dim, generator=rng).to(device)
        chosen = torch.randint(self.components, (n,), generator=rng).to(device)
        draws = torch.randn(n, self.latent_dim, generator=rng).to(device)
        rows = torch.arange(n, device=device)
        means, log_variances = (of_all[rows, chosen] for of_all in self.mixture(noise))
        return self.decode(means + torch.exp(log_variances / 2) * draws)

    def cluster(self, images: Tensor) -> Tensor:
        """Return p(c│z, w) at the means of z and w, (n, components)."""
        z, w = self.parts(self.posterior(images)[0])
        return log_normal(z[:, None], *self.mixture(w)).softmax(dim=1)
