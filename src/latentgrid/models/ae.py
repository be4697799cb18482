"""The dense autoencoder of sources 002 (section 4.1.1) and 004."""

from latentgrid.grid.hyperparameters import LatentDim, PositiveInteger
from latentgrid.models import ImageShape
from latentgrid.models.bases.autoencoder import DenseAutoencoder


class AE(DenseAutoencoder):
    """A dense autoencoder, 784–hidden–d and d–hidden–784, LeakyReLU, with a sigmoid output.

    Its loss is the cross entropy summed over pixels and averaged over the batch. Source 002 did
    not publish the number of hidden units; 500 is what the paper that it follows has
    on MNIST (Kingma and Welling 2014, section 5).
    """

    def __init__(
        self, image_shape: ImageShape, latent_dim: LatentDim, hidden: PositiveInteger = 500
    ) -> None:
        super().__init__(image_shape, latent_dim, hidden)
