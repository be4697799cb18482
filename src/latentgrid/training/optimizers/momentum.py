"""Stochastic gradient descent with momentum."""

from collections.abc import Iterable, Sequence

from torch import Tensor

from latentgrid.training.optimizers import Optimizer


class Momentum(Optimizer):
    """Gradient descent whose steps go on in the direction of earlier ones.

    m ← 0.9·m + g; θ ← θ − lr·m (Polyak 1964, as in PyTorch and TensorFlow 1; vizoso-2020, section
    1.5.7.3, which prints no formula and no constant: 0.9 is the usual one). Under a constant
    gradient the steps grow to ten times those of `sgd`.
    """

    MOMENTUM = 0.9

    def __init__(self, groups: Sequence[Iterable[Tensor]], learning_rate: float) -> None:
        super().__init__(groups, learning_rate)
        self.momenta = self.zeros()

    def state(self) -> list[Tensor]:
        """Return the momenta."""
        return self.momenta

    def update(self, gradients: list[Tensor]) -> None:
        """Change the parameters."""
        for parameter, gradient, momentum in zip(
            self.parameters, gradients, self.momenta, strict=True
        ):
            momentum.mul_(self.MOMENTUM).add_(gradient)
            parameter.sub_(momentum, alpha=self.learning_rate)
