"""The base class of linear autoencoders: projection onto a linear subspace and back."""

from math import prod
from typing import ClassVar

import torch
from torch import Tensor

from latentgrid.data import Batch
from latentgrid.errors import UserError
from latentgrid.models import ImageShape, Losses, Model
from latentgrid.models.bases.reconstruction import SQUARED_ERROR, squared_error


class LinearAutoencoder(Model):
    r"""Codes z = Uᵀ(x − m) and reconstructions x̂ = m + Uz with the same U (sources 001 and 003).

    .. math::

        \mathcal{L}(x) = \lVert x - \hat{x} \rVert^2

        z = U^{\top} (x - m), \qquad \hat{x} = m + U z

    Sources 001 and 003 leave the mean m out. With the mean of the training images, the best U spans
    their d leading principal components, orthonormal (Baldi and Hornik 1989). The loss uses x̂ as it
    is; `decode` cuts it to [0, 1].

    Attributes:
        components: Uᵀ, (d, c·h·w).
        mean: m, (c·h·w,).
    """

    terms: ClassVar = {"reconstruction": SQUARED_ERROR}
    loss_description: ClassVar = "squared error, per image"
    components: Tensor
    mean: Tensor

    def __init__(self, image_shape: ImageShape, latent_dim: int) -> None:
        super().__init__()
        pixels = prod(image_shape)
        if latent_dim > pixels:
            raise UserError(f"latent_dim: found {latent_dim}; allowed: up to the {pixels} pixels")
        self.image_shape = image_shape
        self.latent_dim = latent_dim
        self.register_buffer("mean", torch.zeros(pixels))

    def encode(self, images: Tensor) -> Tensor:
        """Return Uᵀ(x − m), (n, d)."""
        return (images.flatten(1) - self.mean) @ self.components.T

    def project(self, codes: Tensor) -> Tensor:
        """Map codes (n, d) to m + Uz as images (n, c, h, w), not cut to [0, 1]."""
        return (self.mean + codes @ self.components).reshape(-1, *self.image_shape)

    def decode(self, codes: Tensor) -> Tensor:
        """Map codes (n, d) to images (n, c, h, w), cut to [0, 1]."""
        return self.project(codes).clamp(0, 1)

    def losses(self, batch: Batch, rng: torch.Generator) -> Losses:
        """Return the squared error of the projection per image."""
        projection = self.project(self.encode(batch.images))
        return {"reconstruction": squared_error(projection, batch.images)}
