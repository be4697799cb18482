"""The variational autoencoder with a mixture of Gaussians as its prior, source 002's proposal."""

from math import log, pi, prod
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from latentgrid.data import Batch, to_unit_interval
from latentgrid.errors import UserError
from latentgrid.grid.hyperparameters import LatentDim, PositiveInteger
from latentgrid.models import ImageShape, Losses
from latentgrid.models.bases.gaussian import GaussianPosterior
from latentgrid.models.bases.reconstruction import CROSS_ENTROPY, cross_entropy
from latentgrid.nets.dense import dense, dense_decoder

WIDTHS = (500, 500, 2000)
BATCH = 1000
FITS = 5
MIN_VARIANCE = 1e-3


class GMVAE(GaussianPosterior):
    r"""A variational autoencoder whose prior is a mixture of Gaussians, one component a cluster.

    VaDE of Jiang et al. (2017), "Variational deep embedding": its networks, its loss and its start.
    Source 002 cites another model with the same aim, `gmvae_2016`, whose clusters have any shape.
    For the first `pretraining` epochs the steps see the reconstruction error of the mean code
    alone; a mixture fitted to the training codes then sets the prior, and from there on the steps
    see the whole negative ELBO. A run needs more epochs than `pretraining` to find clusters. On
    MNIST with seed 0, 50 such epochs led to a clustering accuracy of 0.92 one epoch later (batches
    of 256, learning rate 0.001), and 10 to 0.68 (batches of 100, learning rate 0.002).

    The paper starts from a mixture with diagonal covariances, `start: diag`; by default one with
    full covariances is fitted and the prior keeps their diagonals, because codes are correlated
    within a digit. Source 002 (section 5.1.2) proposes the model and gives no settings; the paper's
    are latent_dim 10, Adam, learning rate 0.002 (falling, here constant) and batches of 100.

    .. math::

        \mathcal{L}(x) = -\log p(x \mid z)
        + \sum_{c} \gamma_c \left( K_c + \log \frac{\gamma_c}{\pi_c} \right)

        K_c = \mathrm{KL}(q(z \mid x) \,\Vert\, p(z \mid c))

        \gamma_c = \frac{\pi_c \, p(z \mid c)}{\sum_{k} \pi_k \, p(z \mid k)}

        p(z \mid c) = \mathcal{N}(z;\, m_c, \mathrm{diag} \, s_c^2)

        z = \mu + \sigma \odot \varepsilon, \qquad \varepsilon \sim \mathcal{N}(0, I)

    The encoder gives μ and log σ² of q(z│x), p(x│z) is the decoder, Bernoulli in each pixel, and
    the weights π, means m and variances s² of the components c are trained (Jiang et al. 2017,
    eqs. 12 and 16). While pretraining, z is μ, and a step minimises −log p(x│z) alone.
    """

    terms: ClassVar = {
        "reconstruction": CROSS_ENTROPY,
        "kl": "KL to the components, nats per image",
        "cluster_kl": "KL of the responsibilities to the weights, nats per image",
    }
    loss_description: ClassVar = "negative ELBO: cross entropy + both KLs, per image"

    def __init__(
        self,
        image_shape: ImageShape,
        latent_dim: LatentDim,
        components: PositiveInteger = 10,
        pretraining: PositiveInteger = 50,
        start: Literal["full", "diag"] = "full",
    ) -> None:
        super().__init__(
            latent_dim,
            encoder=dense([prod(image_shape), *WIDTHS, 2 * latent_dim]),
            decoder=dense_decoder(image_shape, [latent_dim, *WIDTHS[::-1]], output=nn.Sigmoid()),
        )
        self.pretraining = pretraining
        self.start = start
        self.pretrains = False
        self.logits = nn.Parameter(torch.zeros(components))
        self.means = nn.Parameter(torch.zeros(components, latent_dim))
        self.log_variances = nn.Parameter(torch.zeros(components, latent_dim))

    def initialise(self, rng: torch.Generator) -> None:
        """Set the weights before training, and draw the components' means from N(0, I)."""
        super().initialise(rng)
        nn.init.normal_(self.means, generator=rng)

    def require(self, epochs: int, images: int) -> None:
        """Refuse too few epochs to fit the prior, and fewer training images than components."""
        if epochs <= self.pretraining:
            raise UserError(
                f"epochs is {epochs} and pretraining {self.pretraining}; there must be more epochs "
                "than pretraining, after which the prior is fitted"
            )
        if images < len(self.logits):
            raise UserError(f"components is {len(self.logits)}, with {images} training images")

    def before_epoch(self, epoch: int, images: Tensor, rng: torch.Generator) -> None:
        """Fit the prior to the training codes in the first epoch after pretraining."""
        self.pretrains = epoch <= self.pretraining
        if epoch == self.pretraining + 1:
            pieces = torch.split(images, BATCH)
            self.fit_prior(torch.cat([self.encode(to_unit_interval(p)) for p in pieces]), rng)

    def fit_prior(self, codes: Tensor, rng: torch.Generator) -> None:
        """Set the prior to the weights, means and variances of a mixture that EM fits to codes.

        Of `FITS` fits to codes (n, d), started from `rng` alone, the likeliest is taken.
        """
        from sklearn.mixture import GaussianMixture

        seed = torch.randint(2**31, (), generator=rng, device=rng.device)
        mixture = GaussianMixture(
            len(self.logits),
            covariance_type=self.start,
            reg_covar=MIN_VARIANCE,
            n_init=FITS,
            random_state=int(seed),
        )
        mixture.fit(codes.cpu().double().numpy())
        covariances = torch.from_numpy(mixture.covariances_)
        variances = covariances.diagonal(0, 1, 2) if self.start == "full" else covariances
        self.logits.copy_(torch.from_numpy(mixture.weights_).log())
        self.means.copy_(torch.from_numpy(mixture.means_))
        self.log_variances.copy_(variances.log())

    def log_joint(self, codes: Tensor) -> Tensor:
        """Return log p(c) + log p(z│c) in nats, codes (…, d) → (…, components)."""
        squares = (codes[..., None, :] - self.means).square() * torch.exp(-self.log_variances)
        log_densities = -(squares + self.log_variances + log(2 * pi)).sum(dim=-1) / 2
        return self.logits.log_softmax(dim=0) + log_densities

    def log_prior(self, codes: Tensor) -> Tensor:
        """Return log p(z) = log Σ p(c)·p(z│c) in nats, codes (…, d) → (…)."""
        return self.log_joint(codes).logsumexp(dim=-1)

    def losses(self, batch: Batch, rng: torch.Generator) -> Losses:
        """Return the three terms of the negative ELBO per image (Jiang et al. 2017, eqs. 12, 16).

        With one draw z of the posterior and the responsibilities γ = p(c│z): −log p(x│z),
        Σ γ_c·KL(q(z│x) ‖ p(z│c)) and KL(γ ‖ p(c)). While pretraining, z is the posterior mean.
        """
        mean, log_variance = self.posterior(batch.images)
        noise = torch.empty_like(mean).normal_(generator=rng)
        codes = mean if self.pretrains else mean + torch.exp(log_variance / 2) * noise
        log_gamma = self.log_joint(codes).log_softmax(dim=1)
        gamma = log_gamma.exp()
        divergences = self.divergences(mean, log_variance)
        return {
            "reconstruction": cross_entropy(self.decoder(codes), batch.images),
            "kl": (gamma * divergences).sum(dim=1),
            "cluster_kl": (gamma * (log_gamma - self.logits.log_softmax(dim=0))).sum(dim=1),
        }

    def divergences(self, mean: Tensor, log_variance: Tensor) -> Tensor:
        """Return KL(N(mean, exp(log_variance)) ‖ p(z│c)) in nats, (n, d) → (n, components)."""
        log_ratio = log_variance[:, None] - self.log_variances
        squares = (mean[:, None] - self.means).square() * torch.exp(-self.log_variances)
        return (log_ratio.exp() + squares - 1 - log_ratio).sum(dim=2) / 2

    def batch_loss(self, losses: Losses) -> Tensor:
        """Return the mean negative ELBO, or while pretraining the mean reconstruction error."""
        if self.pretrains:
            return losses["reconstruction"].mean()
        return super().batch_loss(losses)

    def decode(self, codes: Tensor) -> Tensor:
        """Map codes (n, d) to images (n, c, h, w) in [0, 1]."""
        images: Tensor = self.decoder(codes)
        return images

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """Decode n codes drawn from the mixture."""
        weights, means, log_variances = (
            values.detach().cpu() for values in (self.logits, self.means, self.log_variances)
        )
        chosen = torch.multinomial(weights.softmax(dim=0), n, True, generator=rng)
        noise = torch.randn(n, self.latent_dim, generator=rng)
        codes = means[chosen] + torch.exp(log_variances[chosen] / 2) * noise
        return self.decode(codes.to(self.means.device))

    def cluster(self, images: Tensor) -> Tensor:
        """Return p(c│z) at the posterior mean, (n, components)."""
        return self.log_joint(self.encode(images)).softmax(dim=1)
