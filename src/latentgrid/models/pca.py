"""Principal component analysis (sources 001 and 003)."""

from typing import ClassVar

import torch
from torch import Tensor

from latentgrid.data import to_unit_interval
from latentgrid.errors import UserError
from latentgrid.grid.hyperparameters import LatentDim
from latentgrid.models import ImageShape
from latentgrid.models.bases.linear import LinearAutoencoder


class PCA(LinearAutoencoder):
    r"""The linear projection with the least squared error, found without training steps.

    .. math::

        \mathcal{L}(x) = \lVert x - \hat{x} \rVert^2

        z = U^{\top} (x - m), \qquad \hat{x} = m + U z

        U = \underset{U^{\top} U = I}{\mathrm{arg\,min}} \; \sum_{i=1}^{n} \mathcal{L}(x_i)

    m is the mean of the n training images, and the d columns of U are their leading principal
    components (source 003, "Auto-encoders", "Ejemplo"). The loss uses x̂ as it is; `decode` cuts it
    to [0, 1].
    """

    closed_form: ClassVar = True

    def __init__(self, image_shape: ImageShape, latent_dim: LatentDim) -> None:
        super().__init__(image_shape, latent_dim)
        self.register_buffer("components", torch.zeros(latent_dim, len(self.mean)))

    def require(self, epochs: int, images: int) -> None:
        """Refuse more components than images."""
        if self.latent_dim > images:
            raise UserError(
                f"latent_dim: found {self.latent_dim}; allowed: up to the {images} images"
            )

    def before_epoch(self, epoch: int, images: Tensor, rng: torch.Generator) -> None:
        """Fit scikit-learn's PCA in double precision, with a solver that uses no randomness."""
        from sklearn import decomposition

        pixels = to_unit_interval(images.cpu()).flatten(1).double().numpy()
        solver = "covariance_eigh" if len(pixels) >= pixels.shape[1] else "full"
        fit = decomposition.PCA(self.latent_dim, svd_solver=solver).fit(pixels)
        self.components.copy_(torch.from_numpy(fit.components_))
        self.mean.copy_(torch.from_numpy(fit.mean_))
