"""Adam as TensorFlow 1 computes it."""

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.optim.adam import adam

from latentgrid.training.optimizers import Optimizer


class Adam(Optimizer):
    """Adam with β = (0.9, 0.999) and ε = 1e-8 added to the uncorrected root.

    θ ← θ − lr·√(1 − β₂ᵗ)/(1 − β₁ᵗ) · m/(√v + ε), the form before section 2.1 of Kingma and
    Ba (2015), "ε hat". PyTorch adds its ε to √(v/(1 − β₂ᵗ)). To get the formula above from its
    kernel, we pass it t = ∞, which makes its own corrections 1, and multiply the learning rate by
    our correction.
    """

    BETA1, BETA2 = 0.9, 0.999
    EPSILON = 1e-8

    def __init__(self, groups: Sequence[Iterable[Tensor]], learning_rate: float) -> None:
        super().__init__(groups, learning_rate)
        self.means, self.squares = self.zeros(), self.zeros()
        self.infinite = [torch.full((), math.inf, device=p.device) for p in self.parameters]
        self.steps = torch.zeros((), dtype=torch.float64, device=self.parameters[0].device)

    def state(self) -> list[Tensor]:
        """Return both moments and the count of steps."""
        return [*self.means, *self.squares, self.steps]

    def update(self, gradients: list[Tensor]) -> None:
        """Advance t by one and change all parameters."""
        self.apply(slice(None), gradients)

    def apply(self, group: slice, gradients: list[Tensor]) -> None:
        """Advance t by one and change one group of parameters with PyTorch's fused kernel."""
        self.steps += 1
        correction = (1 - self.BETA2**self.steps).sqrt() / (1 - self.BETA1**self.steps)
        adam(
            self.parameters[group],
            gradients[group],
            self.means[group],
            self.squares[group],
            [],
            self.infinite[group],
            fused=True,
            amsgrad=False,
            maximize=False,
            weight_decay=0,
            lr=(self.learning_rate * correction).to(self.parameters[0].dtype),
            beta1=self.BETA1,
            beta2=self.BETA2,
            eps=self.EPSILON,
        )
