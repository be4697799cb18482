"""The conditional generative adversarial network of source 004 and Mirza and Osindero (2014)."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from latentgrid.data import Batch
from latentgrid.grid.hyperparameters import LatentDim, PositiveInteger
from latentgrid.models import ImageShape
from latentgrid.models.bases.adversarial import (
    JensenShannon,
    discriminator_network,
    generator_network,
    normal_codes,
)


class ConditionalGAN(JensenShannon):
    r"""A generator that makes an image of a given class, against a discriminator told the class.

    The label is given to both (source 004, section 1.2): one-hot beside the code, and as one more
    channel of the image, a plane that is learnt for each class: the label through a linear layer
    and reshaped, as in Denton et al. (2015), "Deep generative image models using a Laplacian
    pyramid of adversarial networks". Otherwise it is `gan`, whose defaults it has.

    .. math::

        \mathcal{L}_D(x, y) = -\log D(x, y) - \log (1 - D(G(z, y), y)),
        \qquad z \sim \mathcal{N}(0, I)

        \mathcal{L}_G(y) = -\log D(G(z, y), y)
        \quad \text{or} \quad \log (1 - D(G(z, y), y))

        \mathcal{L}(x, y) = \log 2 - \tfrac{1}{2} \mathcal{L}_D(x, y)

    y is the class of the image x. The discriminator D minimises the first, the generator G the
    second, of which `generator_loss` chooses the form (Mirza and Osindero 2014, eq. 2; source 004,
    section 1.2). The third describes a run.
    """

    def __init__(
        self,
        image_shape: ImageShape,
        classes: int,
        latent_dim: LatentDim,
        hidden: PositiveInteger = 1200,
        discriminator_steps: PositiveInteger = 1,
        network: Literal["dense", "conv", "conv_dense"] = "dense",
        channels: PositiveInteger = 64,
        generator_loss: Literal["non_saturating", "minimax"] = "non_saturating",
    ) -> None:
        super().__init__(latent_dim, network, discriminator_steps, "discriminator_steps")
        self.generator_loss = generator_loss
        self.classes = classes
        self.decoder = generator_network(
            network, image_shape, latent_dim + classes, hidden, channels
        )
        self.discriminator = WithLabel(image_shape, classes, network, hidden, channels)

    def fakes(self, batch: Batch, rng: torch.Generator) -> Tensor:
        """Generate an image of the class of each image of the batch."""
        return self.generate(normal_codes(batch, self.latent_dim, rng), batch.labels)

    def values(self, images: Tensor, batch: Batch) -> Tensor:
        """Return the logits (n,) that the images are real ones of the batch's classes."""
        logits: Tensor = self.discriminator(images, self.one_hot(batch.labels)).squeeze(1)
        return logits

    def generate(self, codes: Tensor, labels: Tensor) -> Tensor:
        """Map codes (n, d) and labels (n,) to images (n, c, h, w) in [0, 1]."""
        images: Tensor = self.decoder(torch.cat([codes, self.one_hot(labels)], dim=1))
        return images

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """Generate n images, equally many of each class, one class after another.

        So 80 images laid out in eight columns have one class of ten in each row.
        """
        codes = torch.randn(n, self.latent_dim, generator=rng)
        labels = torch.arange(n) * self.classes // n
        device = next(self.parameters()).device
        return self.generate(codes.to(device), labels.to(device))

    def one_hot(self, labels: Tensor) -> Tensor:
        """Map labels (n,) to (n, classes).

        Raises:
            IndexError: a label is no class.
        """
        # PyTorch's one_hot waits for the device to know whether all labels are classes.
        return functional.embedding(labels, torch.eye(self.classes, device=labels.device))


class WithLabel(nn.Module):
    """A discriminator that gets the plane of an image's class as one more channel."""

    def __init__(
        self, image_shape: ImageShape, classes: int, network: str, hidden: int, channels: int
    ) -> None:
        super().__init__()
        colours, height, width = image_shape
        self.plane = nn.Linear(classes, height * width, bias=False)
        with_plane = (colours + 1, height, width)
        self.network = discriminator_network(network, with_plane, hidden, channels)

    def forward(self, images: Tensor, one_hot: Tensor) -> Tensor:
        """Map images (n, c, h, w) and one-hot labels (n, classes) to (n, 1)."""
        planes = self.plane(one_hot).reshape_as(images[:, :1])
        values: Tensor = self.network(torch.cat([images, planes], dim=1))
        return values
