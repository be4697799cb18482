"""The β-VAE of source 002 (section 3.3)."""

from typing import Literal

from latentgrid.grid.hyperparameters import LatentDim, PositiveInteger, PositiveReal
from latentgrid.models import ImageShape
from latentgrid.models.vae_bce import VAEBCE


class BetaVAE(VAEBCE):
    """The dense variational autoencoder with cross entropy and a weight β on its KL divergence.

    β = 4 is what Higgins et al. (2017), "beta-VAE", chose for their binary images of shapes; source
    002 leaves β free, and at β = 1 the model is `vae_bce`.

    Tested against Keras itself (docs/witnesses.md).
    """

    def __init__(
        self,
        image_shape: ImageShape,
        latent_dim: LatentDim,
        beta: PositiveReal = 4.0,
        hidden: PositiveInteger = 500,
        hidden_layers: PositiveInteger = 1,
        estimator: Literal["analytic", "sampled"] = "analytic",
        samples: PositiveInteger = 1,
        cross_entropy: Literal["exact", "clipped"] = "exact",
    ) -> None:
        super().__init__(
            image_shape, latent_dim, hidden, hidden_layers, estimator, samples, cross_entropy
        )
        self.beta = beta
