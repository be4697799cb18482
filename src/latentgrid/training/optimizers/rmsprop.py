"""RMSProp as TensorFlow 1 computes it."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from latentgrid.training.optimizers import Optimizer


class RMSProp(Optimizer):
    """RMSProp with decay 0.9, ε = 1e-10 inside the root, and a mean square that starts at 1.

    s ← 0.9·s + 0.1·g²; θ ← θ − lr·g/√(s + ε) (Tieleman and Hinton 2012, as in TensorFlow 1).
    """

    DECAY = 0.9
    EPSILON = 1e-10

    def __init__(self, groups: Sequence[Iterable[Tensor]], learning_rate: float) -> None:
        super().__init__(groups, learning_rate)
        self.mean_squares = [torch.ones_like(parameter) for parameter in self.parameters]

    def state(self) -> list[Tensor]:
        """Return the mean squares."""
        return self.mean_squares

    def update(self, gradients: list[Tensor]) -> None:
        """Change the parameters."""
        for parameter, gradient, mean_square in zip(
            self.parameters, gradients, self.mean_squares, strict=True
        ):
            mean_square.mul_(self.DECAY).addcmul_(gradient, gradient, value=1 - self.DECAY)
            root = (mean_square + self.EPSILON).sqrt_()
            parameter.addcdiv_(gradient, root, value=-self.learning_rate)
