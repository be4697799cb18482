"""Normalizing flows on the pixels, of the five kinds of invertible layers in `nets.flows`."""

from math import log, pi, prod
from typing import ClassVar, Literal

import torch
from torch import Tensor

from latentgrid.data import Batch, to_unit_interval
from latentgrid.grid.hyperparameters import PositiveInteger
from latentgrid.models import ImageShape, Losses, Model
from latentgrid.nets import flows

LEVELS = 256
ALPHA = 1e-6
MEASURED = 10_000  # images that the first standardisation is measured on
MIN_DEVIATION = 1e-3


class Flow(Model):
    r"""A normalizing flow: invertible layers from image to noise, so that densities are exact.

    `coupling` is RealNVP (Dinh, Sohl-Dickstein and Bengio 2017, eqs. 7 and 8), `autoregressive`
    MAF (Papamakarios, Pavlakou and Murray 2017, eqs. 3 to 5), on rows of pixels as the latter had
    both on MNIST: five transforms, two hidden layers each, orders reversed from one to the next,
    α = 1e-6. They had 1,024 hidden units, batch normalisation where here is (μ, σ), and for the
    scales of RealNVP a network of its own with tanh; here one with ReLUs gives scales and shifts.

    Source 001 ("Flujos invertibles") lists four kinds of layers, autoregressive and three more:
    `linear` is a matrix LU (Kingma and Dhariwal 2018), with which p(s) is a Gaussian, whatever the
    number of transforms; `elementwise` a spline for each pixel (Durkan et al. 2019), with which
    pixels are independent; neither has hidden units. `residual` adds a contraction to its input
    (Behrmann et al. 2019), with an exact determinant in place of their series; its cost grows with
    hidden³, and 32 to 64 units are enough. All determinants are exact.

    .. math::

        \mathcal{L}(x) = \frac{D \log 256 - \log p(v)}{D \log 2}

        \log p(v) = \log \mathcal{N}(z; 0, I) + \log \lvert \det J \rvert
        + \sum_{p=1}^{D} \log \frac{1 - 2 \alpha}{\sigma_p \, y_p \, (1 - y_p)}

        v = \frac{k + u}{256}, \qquad y = \alpha + (1 - 2 \alpha) \, v

        s = \log \frac{y}{1 - y}, \qquad z = f \left( \frac{s - \mu}{\sigma} \right)

    k ∈ {0, …, 255} is the level of a pixel, u ~ U(0, 1) is drawn anew each time, μ and σ are those
    of the training images' s, and f, with the Jacobian J, is made of these layers. D·log 256 −
    log p(v) bounds the nats of the levels themselves from above (Theis, van den Oord and Bethge
    2016); over D·log 2 they are bits per dimension.
    """

    terms: ClassVar = {"negative_log_likelihood": "nats per image, of levels made continuous"}
    loss_description: ClassVar = "bits per dimension"

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        image_shape: ImageShape,
        kind: Literal[
            "coupling", "autoregressive", "linear", "elementwise", "residual"
        ] = "autoregressive",
        transforms: PositiveInteger = 5,
        hidden: PositiveInteger = 256,
        layers: PositiveInteger = 2,
    ) -> None:
        super().__init__()
        self.image_shape = image_shape
        self.dimensions = prod(image_shape)
        self.flow = flows.build(kind, self.dimensions, transforms, hidden, layers)
        self.register_buffer("mean", torch.zeros(self.dimensions))
        self.register_buffer("deviation", torch.ones(self.dimensions))

    def initialise(self, rng: torch.Generator) -> None:
        """Draw weights with which f is nearly x ↦ x."""
        flows.initialise(self.flow, rng)

    def before_epoch(self, epoch: int, images: Tensor, rng: torch.Generator) -> None:
        """Before the first epoch, measure μ and σ of each dimension on the training images."""
        if epoch == 1:
            values = dequantise(to_unit_interval(images[:MEASURED]), rng)
            deviation, self.mean[:] = torch.std_mean(logit(values)[0], dim=0, correction=0)
            self.deviation[:] = deviation.clamp_min(MIN_DEVIATION)

    def losses(self, batch: Batch, rng: torch.Generator) -> Losses:
        """Return −log p(v) + D·log 256 of each image, with one draw of u."""
        log_density = self.log_density(dequantise(batch.images, rng))
        return {"negative_log_likelihood": self.dimensions * log(LEVELS) - log_density}

    def loss(self, losses: Losses) -> Tensor:
        """Return bits per dimension; 256 equally likely levels cost 8."""
        return losses["negative_log_likelihood"] / (self.dimensions * log(2))

    def log_density(self, values: Tensor) -> Tensor:
        """Return log p(v) in nats, (n, D) in [0, 1] → (n,)."""
        logits, log_slope = logit(values)
        noise, log_determinant = self.to_noise(logits)
        log_normal = -(noise.square() + log(2 * pi)).sum(dim=1) / 2
        return log_normal + log_determinant + log_slope

    def to_noise(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Map s (n, D) to z (n, D) and log│det dz/ds│ (n,)."""
        noise, log_determinant = self.flow().call_and_ladj((logits - self.mean) / self.deviation)
        return noise, log_determinant - self.deviation.log().sum()

    def to_logits(self, noise: Tensor) -> Tensor:
        """Map z (n, D) back to s (n, D)."""
        return flows.invert(self.flow, noise) * self.deviation + self.mean

    def to_images(self, noise: Tensor) -> Tensor:
        """Map z (n, D) to the images (n, c, h, w) whose levels v falls into."""
        values = (torch.sigmoid(self.to_logits(noise)) - ALPHA) / (1 - 2 * ALPHA)
        levels = (values * LEVELS).floor().clamp(0, LEVELS - 1)
        return (levels / (LEVELS - 1)).reshape(-1, *self.image_shape)

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """Return the images of n draws from N(0, I)."""
        noise = torch.randn(n, self.dimensions, generator=rng)
        return self.to_images(noise.to(self.mean.device))


def dequantise(images: Tensor, rng: torch.Generator) -> Tensor:
    """Map images (n, c, h, w) of levels k/255 to v = (k + u)/256, (n, D) in [0, 1]."""
    levels = (images.flatten(1) * (LEVELS - 1)).round()
    return (levels + torch.empty_like(levels).uniform_(generator=rng)) / LEVELS


def logit(values: Tensor) -> tuple[Tensor, Tensor]:
    """Map v (n, D) in [0, 1] to s = logit(α + (1 − 2α)·v) and log│det ds/dv│ (n,)."""
    log_y = (ALPHA + (1 - 2 * ALPHA) * values).log()
    log_rest = (ALPHA + (1 - 2 * ALPHA) * (1 - values)).log()
    return log_y - log_rest, (log(1 - 2 * ALPHA) - log_y - log_rest).sum(dim=1)
