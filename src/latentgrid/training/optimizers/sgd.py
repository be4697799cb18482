"""Stochastic gradient descent, the step that all other optimizers change."""

from torch import Tensor

from latentgrid.training.optimizers import Optimizer


class SGD(Optimizer):
    """Gradient descent on the loss of a batch: θ ← θ − lr·g (vizoso-2020, eq. 1.5.8)."""

    def state(self) -> list[Tensor]:
        """Return nothing: a step depends on no other."""
        return []

    def update(self, gradients: list[Tensor]) -> None:
        """Change the parameters."""
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.sub_(gradient, alpha=self.learning_rate)
