"""The Wasserstein GAN of source 001, with a gradient penalty or with clipped weights."""

from collections.abc import Callable
from typing import ClassVar, Literal

import torch
from torch import Tensor

from latentgrid.data import Batch
from latentgrid.grid.hyperparameters import LatentDim, PositiveInteger, PositiveReal
from latentgrid.models import ImageShape, Losses
from latentgrid.models.bases.adversarial import (
    Adversarial,
    critic_network,
    generator_network,
)
from latentgrid.models.bases.prior import StandardNormalPrior


class WGAN(Adversarial, StandardNormalPrior):
    r"""A generator against a critic that estimates how far its images are from real ones.

    Two hidden layers of 512 units, the width of the dense networks in Gulrajani et al. (2017) and
    in Arjovsky et al. (2017), or a convolutional network whose 64 channels are theirs on MNIST.

    The critic must not be steeper than 1. `lipschitz` is how this is seen to:

    - penalty: Gulrajani et al. (2017), "Improved training of Wasserstein GANs". As λ is finite, the
      norm of the gradient settles above 1, for two points a distance W apart at 1 + W/2λ, and the
      estimate is by that factor too large;
    - clipping: Arjovsky, Chintala and Bottou (2017), "Wasserstein generative adversarial networks",
      algorithm 1, which source 001 cites: after each step of the critic every weight is cut to
      [−c, c], c = 0.01 there and here `clip`, with `rmsprop` and learning rate 0.00005. The
      steepest critic then has some other, unknown slope, so that the estimate is in no unit.

    .. math::

        \mathcal{L}_f(x) = f(G(z)) - f(x)
        + \lambda \left( \lVert \nabla f(\tilde{x}) \rVert - 1 \right)^2

        \text{or} \quad f(G(z)) - f(x), \qquad \text{then} \quad
        w \leftarrow \min(\max(w, -c), c)

        \mathcal{L}_G = -f(G(z)), \qquad z \sim \mathcal{N}(0, I)

        \tilde{x} = (1 - u) \, x + u \, G(z), \qquad u \sim \mathcal{U}(0, 1)

        \mathcal{L}(x) = f(x) - f(G(z))

    The critic f minimises the first (Gulrajani et al. 2017, eq. 3, whose λ = 10, here `penalty`,
    and five steps of the critic are the defaults) or the second and cuts its weights w; the
    generator G minimises the third. The last estimates the Wasserstein-1 distance.
    """

    terms: ClassVar = {
        "distance": "critic of a real image less critic of a generated one, Euclidean distance",
        "penalty": "(norm of the critic's gradient − 1)², no unit",
        "generator": "−critic of a generated image, up to a constant",
    }
    loss_description: ClassVar = (
        "the critic's estimate of the Wasserstein-1 distance of data and samples, in Euclidean"
        " distance of images; negative if the critic is worse than a constant"
    )

    def __init__(
        self,
        image_shape: ImageShape,
        latent_dim: LatentDim,
        hidden: PositiveInteger = 512,
        critic_steps: PositiveInteger = 5,
        penalty: PositiveReal = 10.0,
        network: Literal["dense", "conv", "conv_dense"] = "dense",
        channels: PositiveInteger = 64,
        lipschitz: Literal["penalty", "clipping"] = "penalty",
        clip: PositiveReal = 0.01,
    ) -> None:
        super().__init__(latent_dim, network, critic_steps, "critic_steps")
        self.penalty = penalty if lipschitz == "penalty" else 0.0
        self.clip = clip if lipschitz == "clipping" else None
        self.decoder = generator_network(network, image_shape, latent_dim, hidden, channels)
        self.discriminator = critic_network(network, image_shape, hidden, channels)

    def losses(self, batch: Batch, rng: torch.Generator) -> Losses:
        """Return the terms per image, with one generated image for each real one."""
        fakes = self.fakes(batch, rng)
        of_fakes = self.values(fakes, batch)
        return {
            "distance": self.values(batch.images, batch) - of_fakes,
            "penalty": gradient_penalty(self.discriminator, batch.images, fakes, rng),
            "generator": -of_fakes,
        }

    def loss(self, losses: Losses) -> Tensor:
        """Return the estimate of the distance, without the penalty."""
        return losses["distance"]

    def discriminator_objective(self, losses: Losses) -> Tensor:
        """Return what the critic minimises."""
        return self.penalty * losses["penalty"].mean() - losses["distance"].mean()

    @torch.no_grad()
    def restrict_discriminator(self) -> None:
        """Cut the critic's weights to [−c, c], if they are clipped."""
        if self.clip is not None:
            for weight in self.discriminator.parameters():
                weight.clamp_(-self.clip, self.clip)

    def generator_losses(self, batch: Batch, rng: torch.Generator) -> Losses:
        """Return −f(G(z)) per image."""
        return {"generator": -self.values(self.fakes(batch, rng), batch)}


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, rng: torch.Generator
) -> Tensor:
    """Return (‖∇f(x̂)‖ − 1)² at a point drawn between each real image and a fake one, (n,).

    The points are uniform on the line between the two (Gulrajani et al. 2017, algorithm 1). It
    works where gradients are switched off, as in a test pass; where they are on, it can be
    differentiated.
    """
    differentiable = torch.is_grad_enabled()
    share = real.new_empty(len(real), 1, 1, 1).uniform_(generator=rng)
    points = torch.lerp(real, fake.to(real), share).detach().requires_grad_()
    with torch.enable_grad():
        (slopes,) = torch.autograd.grad(critic(points).sum(), points, create_graph=differentiable)
    norms: Tensor = torch.linalg.vector_norm(slopes.flatten(1), dim=1)
    return (norms - 1).square()
