"""The dense variational autoencoder with the VampPrior, another prior that source 000 proposes."""

from math import log, prod
from typing import ClassVar

import torch
from torch import Tensor, nn

from latentgrid.data import Batch, to_unit_interval
from latentgrid.errors import UserError
from latentgrid.grid.hyperparameters import LatentDim, PositiveInteger
from latentgrid.models import ImageShape, Losses
from latentgrid.models.bases.gaussian import GaussianPosterior, log_normal
from latentgrid.models.bases.reconstruction import CROSS_ENTROPY, cross_entropy
from latentgrid.nets.dense import dense, dense_decoder, keras_leaky_relu


class VampVAE(GaussianPosterior):
    r"""A variational autoencoder whose prior is the mean of its own posterior over trained images.

    Tomczak and Welling (2018), "VAE with a VampPrior": the prior that is best for the bound is the
    aggregated posterior, which these K pseudo-inputs stand for. Source 000 (section 7.2) proposes
    other priors and names none. Networks and loss are those of `vae_bce` with `estimator: sampled`,
    so that both differ by the prior alone; the paper has gated layers, a second layer of codes and
    a warm-up of the KL divergence. K = 500 is the paper's on MNIST. Pseudo-inputs begin as training
    images drawn at random, one of the two starts in the authors' code, and are cut to [0, 1].

    .. math::

        \mathcal{L}(x) = -\log p(x \mid z) + \log q(z \mid x) - \log p(z)

        p(z) = \frac{1}{K} \sum_{k=1}^{K} q(z \mid u_k)

        z = \mu + \sigma \odot \varepsilon, \qquad \varepsilon \sim \mathcal{N}(0, I)

    The encoder gives μ and log σ² of q(z│x), p(x│z) is the decoder, Bernoulli in each pixel, and
    the pseudo-inputs u_k are trained with the networks (eqs. 9
    and 10 of Tomczak and Welling 2018). One draw z estimates both.
    """

    terms: ClassVar = {
        "reconstruction": CROSS_ENTROPY,
        "kl": "log q(z│x) − log p(z) at one draw, nats per image",
    }
    loss_description: ClassVar = "negative ELBO: cross entropy + KL at one draw, per image"

    def __init__(
        self,
        image_shape: ImageShape,
        latent_dim: LatentDim,
        pseudo_inputs: PositiveInteger = 500,
        hidden: PositiveInteger = 500,
        hidden_layers: PositiveInteger = 1,
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
        )
        self.pseudo_inputs = nn.Parameter(torch.zeros(pseudo_inputs, *image_shape))

    def initialise(self, rng: torch.Generator) -> None:
        """Draw the weights, and pixels of the pseudo-inputs from U(0, 1)."""
        super().initialise(rng)
        nn.init.uniform_(self.pseudo_inputs, generator=rng)

    def require(self, epochs: int, images: int) -> None:
        """Refuse fewer training images than pseudo-inputs."""
        if images < len(self.pseudo_inputs):
            raise UserError(
                f"pseudo_inputs is {len(self.pseudo_inputs)}, with {images} training images"
            )

    def before_epoch(self, epoch: int, images: Tensor, rng: torch.Generator) -> None:
        """Before the first epoch, make the pseudo-inputs training images drawn at random."""
        if epoch == 1:
            order = torch.randperm(len(images), generator=rng, device=rng.device)
            chosen = images[order[: len(self.pseudo_inputs)].to(images.device)]
            self.pseudo_inputs.copy_(to_unit_interval(chosen))

    def log_prior(self, codes: Tensor) -> Tensor:
        """Return log p(z) = log Σ q(z│u_k)/K in nats, codes (…, d) → (…)."""
        means, log_variances = self.posterior(self.pseudo_inputs.clamp(0, 1))
        each = log_normal(codes[..., None, :], means, log_variances)
        return each.logsumexp(dim=-1) - log(len(means))

    def losses(self, batch: Batch, rng: torch.Generator) -> Losses:
        """Return cross entropy and log q(z│x) − log p(z) per image, at one draw z of q(z│x)."""
        mean, log_variance = self.posterior(batch.images)
        noise = torch.empty_like(mean).normal_(generator=rng)
        codes = mean + torch.exp(log_variance / 2) * noise
        return {
            "reconstruction": cross_entropy(self.decoder(codes), batch.images),
            "kl": log_normal(codes, mean, log_variance) - self.log_prior(codes),
        }

    def decode(self, codes: Tensor) -> Tensor:
        """Map codes (n, d) to images (n, c, h, w) in [0, 1]."""
        images: Tensor = self.decoder(codes)
        return images

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """Decode n codes drawn from the prior: of a random pseudo-input's posterior each."""
        chosen = torch.randint(len(self.pseudo_inputs), (n,), generator=rng)
        noise = torch.randn(n, self.latent_dim, generator=rng).to(self.pseudo_inputs)
        images = self.pseudo_inputs[chosen.to(self.pseudo_inputs.device)].clamp(0, 1)
        means, log_variances = self.posterior(images)
        return self.decode(means + torch.exp(log_variances / 2) * noise)
