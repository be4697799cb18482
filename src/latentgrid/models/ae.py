"""The dense autoencoder of sources 002 (section 4.1.1) and 004."""

from typing import ClassVar, Literal

import torch

from latentgrid.data import Batch
from latentgrid.grid.hyperparameters import LatentDim, PositiveInteger
from latentgrid.models import ImageShape, Losses
from latentgrid.models.bases.autoencoder import DenseAutoencoder, narrowing_widths
from latentgrid.models.bases.keras import CROSS_ENTROPIES


class AE(DenseAutoencoder):
    """A dense autoencoder, 784–hidden–d and d–hidden–784, LeakyReLU, with a sigmoid output.

    Its loss is the cross entropy summed over pixels and averaged over the batch. Source 002 did
    not publish the number of hidden units; 500 is what the paper that it follows has
    on MNIST (Kingma and Welling 2014, section 5). Source 002 ran Keras's cross entropy, `clipped`.

    Source 004 (section 1.1) names several hidden layers that narrow towards the code as the usual
    improvement: with `hidden` 512, `hidden_layers` 3 and `narrowing` 2 they have 512, 256 and 128
    units in the encoder, and 128, 256 and 512 in the decoder.

    Tested against Keras itself (docs/witnesses.md).
    """

    loss_depends_on: ClassVar = ("cross_entropy",)
    ranked_by: ClassVar = "test_squared_error"

    def __init__(
        self,
        image_shape: ImageShape,
        latent_dim: LatentDim,
        hidden: PositiveInteger = 500,
        hidden_layers: PositiveInteger = 1,
        narrowing: PositiveInteger = 1,
        cross_entropy: Literal["exact", "clipped"] = "exact",
    ) -> None:
        super().__init__(
            image_shape, latent_dim, *narrowing_widths(hidden, hidden_layers, narrowing)
        )
        self.cross_entropy = CROSS_ENTROPIES[cross_entropy]

    def losses(self, batch: Batch, rng: torch.Generator) -> Losses:
        """Return the cross entropy per image."""
        reconstruction = self.decode(self.encode(batch.images))
        return {"reconstruction": self.cross_entropy(reconstruction, batch.images)}
