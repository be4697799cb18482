"""The U-Net as Ronneberger, Fischer and Brox (2015) and source 001 use it: for segmentation."""

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from latentgrid.data import Batch
from latentgrid.data.borders import nearness, sigma_of
from latentgrid.data.scenes import Scenes, compose
from latentgrid.grid.hyperparameters import Flag, PositiveInteger
from latentgrid.models import ImageShape, Losses, Model
from latentgrid.nets.sides import quarter
from latentgrid.nets.unet import unet


class UNetSegmentation(Model):
    r"""A U-Net that says of each pixel of a scene whether it is background, or an object's class.

    .. math::

        \mathcal{L} = -\sum_{x} w(x) \log p_{l(x)}(x), \qquad
        w(x) = w_c(x) + w_0 \exp \left( - \frac{(d_1(x) + d_2(x))^2}{2 \sigma^2} \right)

    l(x) is the class of the pixel x of a scene. w_c makes the background weigh as much as the
    objects; the second term, of background pixels alone, makes those between two objects heavy: d_1
    and d_2 are their distances to the nearest objects, w_0 is 10, and σ is 5 pixels for images of
    28×28, the paper's number for its far larger ones, else in proportion (Ronneberger, Fischer and
    Brox 2015, eqs. 1 and 2; source 001, "UNETs", without the minus and with d_1² + d_2²).

    A scene is made of each image of a batch and the two that follow it, drawn anew each time: three
    objects with a line of background between them, on a canvas twice as high and wide. In training
    each image is deformed elastically first, if `elastic` says so. Without `border_weights`, w_0 is
    0. The network is that of `unet`, with an output for each class and one for the background.
    """

    terms: ClassVar = {"cross_entropy": "nats, weighted and summed over pixels, per scene"}
    loss_description: ClassVar = "weighted cross entropy of pixels, nats per scene"
    loss_depends_on: ClassVar = ("border_weights",)
    ranked_by: ClassVar = "mean_iou"
    BORDER: ClassVar = 10.0  # w_0

    def __init__(
        self,
        image_shape: ImageShape,
        classes: int,
        channels: PositiveInteger = 32,
        elastic: Flag = True,
        border_weights: Flag = True,
    ) -> None:
        super().__init__()
        quarter(image_shape)
        self.network = unet(image_shape[0], channels, 2, 1 + classes)
        self.sigma = sigma_of(*image_shape[1:])
        self.elastic = elastic
        self.border = self.BORDER if border_weights else 0.0

    def compose(self, batch: Batch, rng: torch.Generator) -> Scenes:
        """Make a scene of each image of a batch and the two that follow it."""
        return compose(batch, rng, deform=self.elastic and self.training)

    def segment(self, images: Tensor) -> Tensor:
        """Map scenes (n, c, h, w) in [0, 1] to log-probabilities (n, 1 + classes, h, w)."""
        return functional.log_softmax(self.network(images), dim=1)

    def between_objects(self, scenes: Scenes) -> Tensor:
        """Return how near each background pixel lies to two objects, in [0, 1], (n, h, w)."""
        return nearness(scenes.objects, self.sigma) * (scenes.classes == 0)

    def weights(self, scenes: Scenes) -> Tensor:
        """Return w(x), (n, h, w); without the border its mean is 1 in each scene."""
        background = scenes.classes == 0
        share = background.float().mean(dim=(1, 2), keepdim=True)
        least = 1 / background[0].numel()
        halves = torch.where(background, share, 1 - share).clamp_min(least)
        return 1 / (2 * halves) + self.border * self.between_objects(scenes)

    def losses(self, batch: Batch, rng: torch.Generator) -> Losses:
        """Return the weighted cross entropy per scene."""
        scenes = self.compose(batch, rng)
        log_probabilities = self.segment(scenes.images)
        missed = functional.nll_loss(log_probabilities, scenes.classes, reduction="none")
        return {"cross_entropy": (self.weights(scenes) * missed).sum(dim=(1, 2))}
