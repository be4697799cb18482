"""The base class of models that see damaged images and learn to return the clean ones."""

from typing import ClassVar

import torch
from torch import Tensor

from latentgrid.data import Batch, corruptions
from latentgrid.models import Losses, Model, reconstruct
from latentgrid.models.bases.reconstruction import squared_error


class Denoiser(Model):
    r"""Sees damaged images and is trained to return the clean ones.

    .. math::

        \mathcal{L}(x) = \lVert x - h(\tilde{x}) \rVert^2

    x̃ is the image x with its damage, which is drawn anew each time the image is shown, and h the
    network that restores it; the norm sums over pixels (source 003, "Denoising Auto-encoders").

    Attributes:
        corruption: the name of a file in `data/corruptions`.
    """

    terms: ClassVar = {
        "reconstruction": "squared error to the clean image summed over pixels, per image"
    }
    loss_description: ClassVar = "squared error to the clean image, per image"
    loss_depends_on: ClassVar = ("corruption",)
    corruption: str

    def corrupt(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """Return the images damaged, (n, c, h, w) in [0, 1]."""
        return corruptions.load(self.corruption)(images, rng)

    def denoise(self, images: Tensor) -> Tensor:
        """Return the images without their damage, (n, c, h, w); the loss is computed of these."""
        restored = reconstruct(self, images)
        assert restored is not None
        return restored

    def losses(self, batch: Batch, rng: torch.Generator) -> Losses:
        """Return the squared error between clean image and restored one, per image."""
        restored = self.denoise(self.corrupt(batch.images, rng))
        return {"reconstruction": squared_error(restored, batch.images)}
