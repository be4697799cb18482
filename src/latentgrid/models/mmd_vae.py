"""The autoencoder of source 000 whose codes are drawn to the prior by their MMD (section 6.3.3)."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from latentgrid.data import Batch
from latentgrid.grid.hyperparameters import LatentDim
from latentgrid.models import ImageShape, Losses
from latentgrid.models.bases.prior import StandardNormalPrior
from latentgrid.nets.conv import conv_decoder, conv_encoder

ROWS = 256


class MMDVAE(StandardNormalPrior):
    r"""A convolutional autoencoder whose codes are drawn to the prior by their MMD.

    .. math::

        \mathcal{L}(x) = \tfrac{1}{D} \lVert x - g(f(x)) \rVert^2 + \mathrm{MMD}

        \mathrm{MMD} = \frac{1}{n^2} \sum_{i,j=1}^{n} \left[ k(z_i, z_j)
        + k(\zeta_i, \zeta_j) - 2 k(z_i, \zeta_j) \right]

        k(a, b) = \exp \left( -\tfrac{1}{d^2} \lVert a - b \rVert^2 \right)

    f is the encoder, g the decoder, D the number of pixels and d that of a code's values. The n
    codes z of a batch are compared with as many draws ζ of N(0, I): Zhao, Song and Ermon (2019),
    "InfoVAE"; source 000, eqs. 5.1.3 and 6.3.4. Tested against TensorFlow itself
    (docs/witnesses.md).
    """

    terms: ClassVar = {
        "reconstruction": "squared error averaged over pixels, per image",
        "mmd": "MMD of the batch, no unit, in [0, 2]",
    }
    loss_description: ClassVar = "mean squared pixel error + MMD"
    in_turn: ClassVar = ("encoder", "decoder")

    def __init__(self, image_shape: ImageShape, latent_dim: LatentDim) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.encoder = conv_encoder(image_shape, latent_dim)
        self.decoder = conv_decoder(image_shape, latent_dim, output=nn.Sigmoid())

    def encode(self, images: Tensor) -> Tensor:
        """Return the codes (n, d)."""
        codes: Tensor = self.encoder(images)
        return codes

    def losses(self, batch: Batch, rng: torch.Generator) -> Losses:
        """Return each image's mean squared pixel error, and the batch's MMD for all of them."""
        images = batch.images
        codes = self.encode(images)
        prior = torch.empty_like(codes).normal_(generator=rng)
        error = (self.decoder(codes) - images).reshape(len(images), -1)
        return {
            "reconstruction": error.square().mean(dim=1),
            "mmd": mmd(prior, codes).expand(len(images)),
        }


def mmd(first: Tensor, second: Tensor) -> Tensor:
    """Return the squared maximum mean discrepancy of two samples (n, d) and (m, d), a scalar.

    E k(x, x') + E k(y, y') − 2 E k(x, y) over all pairs, including each item with itself (source
    000, eq. 5.1.3): never negative, and of order 1/n for equal distributions.
    """
    return (
        kernel(first, first).mean()
        + kernel(second, second).mean()
        - 2 * kernel(first, second).mean()
    )


def kernel(x: Tensor, y: Tensor) -> Tensor:
    """Return k(x, y) = exp(−mean_d((x − y)²) / d) for all pairs, (n, d) and (m, d) → (n, m)."""
    return torch.exp(-squared_distances(x, y) / x.shape[1] ** 2)


def squared_distances(x: Tensor, y: Tensor) -> Tensor:
    """Return ‖x − y‖² for all pairs, (n, d) and (m, d) → (n, m), without holding n·m·d values.

    It uses differences and not ‖x‖² + ‖y‖² − 2x·y, whose gradient loses all its digits for codes
    that are long and near each other. A GPU holds the differences of `ROWS` items of x at a time.
    """
    exact = "donot_use_mm_for_euclid_dist"
    parts = [torch.cdist(rows, y, compute_mode=exact) for rows in torch.split(x, ROWS)]
    return torch.cat(parts).square()
