"""The base classes of generative adversarial networks: their players, losses and networks."""

from math import log
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from latentgrid.data import Batch
from latentgrid.models import ImageShape, Losses, Model, Player
from latentgrid.nets import adversarial as nets
from latentgrid.nets.initialise import normal

DCGAN_DEVIATION = 0.02  # Radford, Metz and Chintala (2016), section 4

DISCRIMINATOR = "cross entropy on a real image plus that on a generated one, nats"
GENERATOR = "−log D of a generated image, nats"
GENERATOR_OF_EITHER = f"{GENERATOR}; where generator_loss is minimax, log(1 − D)"


class Adversarial(Model):
    """A generator against a discriminator.

    They play algorithm 1 of Goodfellow et al. (2014), "Generative adversarial nets", which is
    algorithm 1 of source 004: the discriminator takes a step on every batch, the generator on
    every `steps`-th, each time against new codes z ~ N(0, I). The generator may have a learning
    rate of its own, as η_G in modulo-7.

    Attributes:
        decoder: the generator G, which makes images of codes.
        discriminator: gives each image one value; for `JensenShannon` the logit of D.
        steps: how many steps the discriminator takes for each step of the generator.
        paced_by: the name of the hyperparameter that sets `steps`.
    """

    loss_ranks: ClassVar = False
    ranked_by: ClassVar = "sample_score"
    own_rates: ClassVar = ("generator_learning_rate",)

    decoder: nn.Module
    discriminator: nn.Module

    def __init__(self, latent_dim: int, network: str, steps: int, paced_by: str) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.network = network
        self.steps = steps
        self.paced_by = paced_by

    def initialise(self, rng: torch.Generator) -> None:
        """Draw the weights of convolutional networks from N(0, 0.02²), as Radford et al. (2016)."""
        if self.network == "dense":
            super().initialise(rng)
        else:
            normal(self, DCGAN_DEVIATION, rng)

    def players(self) -> list[Player]:
        """Return the discriminator, then the generator."""
        return [
            Player(
                [list(self.discriminator.parameters())],
                self.losses,
                self.discriminator_objective,
                project=self.restrict_discriminator,
            ),
            Player(
                [list(self.decoder.parameters())],
                self.generator_losses,
                lambda losses: losses["generator"].mean(),
                every=self.steps,
                paced_by=self.paced_by,
                rate="generator_learning_rate",
            ),
        ]

    def fakes(self, batch: Batch, rng: torch.Generator) -> Tensor:
        """Generate an image for each image of the batch."""
        images: Tensor = self.decoder(normal_codes(batch, self.latent_dim, rng))
        return images

    def values(self, images: Tensor, batch: Batch) -> Tensor:
        """Return the discriminator's value of each image, (n, c, h, w) → (n,)."""
        values: Tensor = self.discriminator(images).squeeze(1)
        return values

    def discriminator_objective(self, losses: Losses) -> Tensor:
        """Return what a step of the discriminator minimises."""
        raise NotImplementedError

    def generator_losses(self, batch: Batch, rng: torch.Generator) -> Losses:
        """Return the generator's loss per image, (n,)."""
        raise NotImplementedError

    def restrict_discriminator(self) -> None:
        """Change the discriminator after each of its steps; by default leave it as it is."""


class JensenShannon(Adversarial):
    r"""The losses of Goodfellow et al. (2014), the generator's in either of its two forms.

    .. math::

        \mathcal{L}_D(x) = -\log D(x) - \log (1 - D(G(z))), \qquad z \sim \mathcal{N}(0, I)

        \mathcal{L}_G = -\log D(G(z)) \quad \text{or} \quad \log (1 - D(G(z)))

        \mathcal{L}(x) = \log 2 - \tfrac{1}{2} \mathcal{L}_D(x)

    The discriminator D minimises the first, the generator G the second (Goodfellow et al. 2014,
    section 3; source 004, section 1.2). `generator_loss` chooses its form: `non_saturating`, which
    both recommend for the start of training, or `minimax`, that of their algorithm 1 and source
    001's only one, whose slope D(G(z)) vanishes where the discriminator is sure. The third, by
    which runs are described, bounds the Jensen-Shannon divergence of data and samples from below
    (their theorem 1).

    Attributes:
        generator_loss: the form of the generator's loss.
    """

    terms: ClassVar = {"discriminator": DISCRIMINATOR, "generator": GENERATOR_OF_EITHER}
    loss_description: ClassVar = (
        "lower bound of the Jensen-Shannon divergence of data and samples, log 2 − discriminator/2,"
        " in nats: log 2 if the discriminator is never wrong, negative if it is worse than chance"
    )

    generator_loss: str

    def losses(self, batch: Batch, rng: torch.Generator) -> Losses:
        """Return both players' losses per image, with one generated image for each real one."""
        of_fakes = self.values(self.fakes(batch, rng), batch)
        of_images = self.values(batch.images, batch)
        return {
            "discriminator": discriminator_loss(of_images, of_fakes),
            "generator": GENERATOR_LOSSES[self.generator_loss](of_fakes),
        }

    def loss(self, losses: Losses) -> Tensor:
        """Return log 2 − discriminator/2, a bound for any D (Goodfellow et al. 2014, theorem 1)."""
        return log(2) - losses["discriminator"] / 2

    def discriminator_objective(self, losses: Losses) -> Tensor:
        """Return the mean cross entropy."""
        return losses["discriminator"].mean()

    def generator_losses(self, batch: Batch, rng: torch.Generator) -> Losses:
        """Return the generator's loss per image."""
        of_fakes = self.values(self.fakes(batch, rng), batch)
        return {"generator": GENERATOR_LOSSES[self.generator_loss](of_fakes)}


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Return −log D(x) − log(1 − D(x̃)) in nats from the logits of D; any shape."""
    return functional.softplus(-real) + functional.softplus(fake)


def generator_loss(fake: Tensor) -> Tensor:
    """Return −log D(x̃) in nats from the logit of D; any shape."""
    return functional.softplus(-fake)


def minimax_loss(fake: Tensor) -> Tensor:
    """Return log(1 − D(x̃)) in nats from the logit of D; any shape."""
    return -functional.softplus(fake)


GENERATOR_LOSSES = {"non_saturating": generator_loss, "minimax": minimax_loss}


def normal_codes(batch: Batch, latent_dim: int, rng: torch.Generator) -> Tensor:
    """Draw a code from N(0, I) for each image of the batch, (n, d)."""
    return batch.images.new_empty(len(batch), latent_dim).normal_(generator=rng)


def generator_network(
    network: str, image_shape: ImageShape, inputs: int, hidden: int, channels: int
) -> nn.Sequential:
    """Return the generator: dense, convolutional, or convolutional with a hidden dense layer."""
    if network == "dense":
        return nets.dense_generator(image_shape, inputs, hidden)
    before = hidden if network == "conv_dense" else None
    return nets.conv_generator(image_shape, inputs, channels, before)


def discriminator_network(
    network: str, image_shape: ImageShape, hidden: int, channels: int
) -> nn.Sequential:
    """Return the discriminator: dense, convolutional, or with a hidden dense layer behind."""
    if network == "dense":
        return nets.dense_discriminator(image_shape, hidden)
    behind = hidden if network == "conv_dense" else None
    return nets.conv_discriminator(image_shape, channels, behind)


def critic_network(
    network: str, image_shape: ImageShape, hidden: int, channels: int
) -> nn.Sequential:
    """Return the critic: `discriminator_network` without batch norm."""
    if network == "dense":
        return nets.dense_discriminator(image_shape, hidden)
    behind = hidden if network == "conv_dense" else None
    return nets.conv_critic(image_shape, channels, behind)
