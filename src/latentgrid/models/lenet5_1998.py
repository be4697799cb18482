"""LeNet-5 as LeCun et al. (1998) drew and trained it, and as source 001 shows it."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from latentgrid.data import Batch
from latentgrid.models import ImageShape, Losses, Model
from latentgrid.nets.frame import frame
from latentgrid.nets.lenet5_1998 import (
    PartlyConnected,
    RadialBasis,
    ScaledTanh,
    Subsampling,
    uniform_by_inputs,
)

SIDE = 32
WHITE, BLACK = -0.1, 1.175
KERNEL = 5
HIDDEN, CODE = 120, 84


class OriginalLeNet5(Model):
    r"""LeNet-5 of 1998: trained pooling, partial connections, scaled tanh, radial basis units.

    .. math::

        \mathcal{L}(x, y) = d_y(x) + \log \left( e^{-j} + \sum_{c} e^{-d_c(x)} \right), \qquad
        d_c(x) = \sum_{i} (h(x)_i - w_{ci})^2

    y is the class of the image x, h(x) the 84 outputs of the last hidden layer, and w_c the code of
    class c, 84 numbers −1 or 1 that are not trained (LeCun, Bottou, Bengio and Haffner 1998, eqs. 7
    and 9; source 001, "LeNet-5"). The probability of a class is the softmax of −d: the rubbish
    class, which e to the power of −j stands for, is left out.

    Layers, by the paper's names: C1 convolution 6 k5; S2 the sum of 2×2 values times a coefficient
    plus a bias, both trained; C3 convolution 16 k5, each map from three, four or all six of S2's
    (table I); S4 as S2; C5 dense 120; F6 dense 84; radial basis units. Each is followed by
    1.7159·tanh(2a/3). They have 60,000 weights for grey images up to 32×32, which are framed with
    white to that size; white is −0.1 and black 1.175. First weights are uniform within ±2.4/inputs.

    What is otherwise: the codes are drawn at random, which the paper names beside its bitmaps of
    7×12 pixels, as other data sets have other classes. The paper gives no j; 0.1 is that of
    implementations in PyTorch. Its optimizer is a diagonal Levenberg-Marquardt method; here it is
    the run's.
    """

    terms: ClassVar = {
        "penalty": "squared distance to the code of the right class, per image",
        "competition": "log of e^−j and all classes' e^−distance, per image",
    }
    loss_description: ClassVar = "distance to the right code against all codes, per image"
    RUBBISH: ClassVar = 0.1  # j

    def __init__(self, image_shape: ImageShape, classes: int) -> None:
        super().__init__()
        channels, *sides = image_shape
        height, width = (((max(SIDE, side) - 4) // 2 - 4) // 2 for side in sides)
        self.frame = frame(image_shape, SIDE)
        self.network = nn.Sequential(
            nn.Conv2d(channels, 6, KERNEL),
            ScaledTanh(),
            Subsampling(6),
            ScaledTanh(),
            PartlyConnected(KERNEL),
            ScaledTanh(),
            Subsampling(16),
            ScaledTanh(),
            nn.Flatten(),
            nn.Linear(16 * height * width, HIDDEN),
            ScaledTanh(),
            nn.Linear(HIDDEN, CODE),
            ScaledTanh(),
            RadialBasis(CODE, classes),
        )

    def initialise(self, rng: torch.Generator) -> None:
        """Draw the weights and the codes of the classes."""
        uniform_by_inputs(self.network, rng)

    def distances(self, images: Tensor) -> Tensor:
        """Return the squared distance to the code of each class, (n, classes)."""
        distances: Tensor = self.network(WHITE + (BLACK - WHITE) * self.frame(images))
        return distances

    def classify(self, images: Tensor) -> Tensor:
        """Map images (n, c, h, w) in [0, 1] to log-probabilities (n, classes)."""
        return functional.log_softmax(-self.distances(images), dim=1)

    def losses(self, batch: Batch, rng: torch.Generator) -> Losses:
        """Return the two terms per image; their sum is above 0."""
        distances = self.distances(batch.images)
        rubbish = torch.full_like(distances[:, :1], -self.RUBBISH)
        return {
            "penalty": distances.gather(1, batch.labels[:, None]).squeeze(1),
            "competition": torch.cat([rubbish, -distances], dim=1).logsumexp(dim=1),
        }
