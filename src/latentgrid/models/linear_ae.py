"""The linear autoencoder with tied weights (sources 001 and 003)."""

import torch
from torch import Tensor, nn

from latentgrid.grid.hyperparameters import LatentDim
from latentgrid.models import ImageShape
from latentgrid.models.bases.linear import LinearAutoencoder


class LinearAE(LinearAutoencoder):
    """A linear autoencoder with tied weights, which must find the subspace of PCA by training.

    m is the mean of the training images and U is trained, free to be any matrix; it tends to an
    orthonormal one.
    """

    def __init__(self, image_shape: ImageShape, latent_dim: LatentDim) -> None:
        super().__init__(image_shape, latent_dim)
        self.components = nn.Parameter(torch.zeros(latent_dim, len(self.mean)))

    def initialise(self, rng: torch.Generator) -> None:
        """Draw U from Glorot and Bengio's uniform distribution."""
        nn.init.xavier_uniform_(self.components, generator=rng)

    def before_epoch(self, epoch: int, images: Tensor, rng: torch.Generator) -> None:
        """Before the first epoch, compute the mean of the training images."""
        if epoch == 1:
            self.mean.copy_(images.flatten(1).mean(dim=0, dtype=torch.float64) / 255)
