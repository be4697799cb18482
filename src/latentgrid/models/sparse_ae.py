"""The sparse autoencoder (source 001, "Autocodificadores": regularisation)."""

from typing import ClassVar

import torch

from latentgrid.data import Batch
from latentgrid.grid.hyperparameters import LatentDim, PositiveInteger, PositiveReal
from latentgrid.models import ImageShape, Losses
from latentgrid.models.bases.autoencoder import PenalisedAutoencoder
from latentgrid.models.bases.reconstruction import CROSS_ENTROPY, cross_entropy


class SparseAE(PenalisedAutoencoder):
    r"""The dense autoencoder with λ times the sum of the code's absolute values added to its loss.

    λ, here `penalty`, is free in the sources; 0.1 more than halves the term on MNIST and costs the
    reconstruction nothing (d = 32). Nothing holds the decoder's weights, so small codes before
    large weights lessen the term too.

    .. math::

        \mathcal{L}(x) = J + \lambda \sum_{i=1}^{d} \lvert h_i \rvert

        J = -\sum_{p} \left[ x_p \log \hat{x}_p + (1 - x_p) \log (1 - \hat{x}_p) \right]

        h = f(x), \qquad \hat{x} = g(h)

    f is the encoder, g the decoder, h the code of d values, and p counts the pixels (source 001,
    "Autocodificadores"; Goodfellow, Bengio and Courville 2016, section 14.2.1).
    """

    terms: ClassVar = {
        "reconstruction": CROSS_ENTROPY,
        "absolute_code": "sum over the code's absolute values, per image",
    }
    loss_description: ClassVar = "cross entropy + λ · absolute code, per image"

    def __init__(
        self,
        image_shape: ImageShape,
        latent_dim: LatentDim,
        hidden: PositiveInteger = 500,
        penalty: PositiveReal = 0.1,
    ) -> None:
        super().__init__(image_shape, latent_dim, hidden, penalty)

    def losses(self, batch: Batch, rng: torch.Generator) -> Losses:
        """Return cross entropy and Σ│hᵢ│ per image."""
        codes = self.encode(batch.images)
        return {
            "reconstruction": cross_entropy(self.decode(codes), batch.images),
            "absolute_code": codes.abs().sum(dim=1),
        }
