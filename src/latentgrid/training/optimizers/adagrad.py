"""AdaGrad."""

from collections.abc import Iterable, Sequence

from torch import Tensor

from latentgrid.training.optimizers import Optimizer


class AdaGrad(Optimizer):
    """AdaGrad, whose rate of each parameter falls with the squares of all its gradients so far.

    s ← s + g²; θ ← θ − lr·g/(√s + ε), s from 0 and ε = 1e-10 (Duchi, Hazan and Singer 2011,
    figure 1, as in PyTorch; vizoso-2020, section 1.5.7.3.1; vesel-draft, algorithm 2). TensorFlow
    1's starts s at 0.1 and has no ε; no source ran either.
    """

    EPSILON = 1e-10

    def __init__(self, groups: Sequence[Iterable[Tensor]], learning_rate: float) -> None:
        super().__init__(groups, learning_rate)
        self.square_sums = self.zeros()

    def state(self) -> list[Tensor]:
        """Return the sums of squared gradients."""
        return self.square_sums

    def update(self, gradients: list[Tensor]) -> None:
        """Change the parameters."""
        for parameter, gradient, square_sum in zip(
            self.parameters, gradients, self.square_sums, strict=True
        ):
            square_sum.addcmul_(gradient, gradient)
            root = square_sum.sqrt().add_(self.EPSILON)
            parameter.addcdiv_(gradient, root, value=-self.learning_rate)
