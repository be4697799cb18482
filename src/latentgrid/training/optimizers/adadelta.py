"""Adadelta."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.optim.adadelta import adadelta

from latentgrid.training.optimizers import Optimizer


class Adadelta(Optimizer):
    """Adadelta with ρ = 0.95 and ε = 1e-8 (Zeiler 2012); PyTorch's and TensorFlow's agree."""

    RHO = 0.95
    EPSILON = 1e-8

    def __init__(self, groups: Sequence[Iterable[Tensor]], learning_rate: float) -> None:
        super().__init__(groups, learning_rate)
        self.square_averages, self.accumulated_updates = self.zeros(), self.zeros()
        self.counts = [torch.zeros((), device=p.device) for p in self.parameters]

    def state(self) -> list[Tensor]:
        """Return both averages and the counts of steps."""
        return [*self.square_averages, *self.accumulated_updates, *self.counts]

    def update(self, gradients: list[Tensor]) -> None:
        """Change the parameters with PyTorch's kernel."""
        adadelta(
            self.parameters,
            gradients,
            self.square_averages,
            self.accumulated_updates,
            self.counts,
            lr=self.learning_rate,
            rho=self.RHO,
            eps=self.EPSILON,
            weight_decay=0,
            maximize=False,
        )
