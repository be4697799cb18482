"""Optimizers around an optimizer: weight decay, schedules of the learning rate, clipped gradients.

Each works with every optimizer and with each of the others, and none knows them. What changes from
step to step lies on the device, so that a step can be captured as a CUDA graph.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from latentgrid.training import schedules
from latentgrid.training.optimizers import Optimizer

FactorOfBatch = Callable[[Tensor], Tensor]
TINY = 1e-6  # what PyTorch adds to a norm before it divides by it


class Wrapper(Optimizer):
    """Takes the steps of another optimizer, of the same parameters.

    Attributes:
        inner: that optimizer.
    """

    def __init__(self, inner: Optimizer) -> None:
        super().__init__(inner.groups, inner.learning_rate)
        self.inner = inner

    def state(self) -> list[Tensor]:
        """Return the inner optimizer's."""
        return self.inner.state()

    def columns(self) -> dict[str, float]:
        """Return the inner optimizer's."""
        return self.inner.columns()


class WeightDecay(Wrapper):
    """Draws all parameters to 0, apart from the gradient's step: θ ← (1 − lr·λ)·θ, then the step.

    Loshchilov and Hutter (2019), "Decoupled weight decay regularization", algorithm 2; scaled by
    the learning rate as in PyTorch's AdamW, biases decay too.
    """

    def __init__(self, inner: Optimizer, decay: float) -> None:
        super().__init__(inner)
        self.kept = 1 - inner.learning_rate * decay

    def update(self, gradients: list[Tensor]) -> None:
        """Shrink the parameters, then change them."""
        for parameter in self.parameters:
            parameter.mul_(self.kept)
        self.inner.update(gradients)


class Scheduled(Wrapper):
    """Goes only a share of each step: the learning rate times factors that change with time.

    θ ← θ + f·(θ' − θ), where θ' is where the inner step leads and f the product of the factors. The
    steps of all our optimizers are proportional to their learning rate, so that this is a step with
    f times the learning rate.
    """

    def __init__(self, inner: Optimizer, factors: Sequence[FactorOfBatch], every: int) -> None:
        """Begin before the first step.

        Args:
            inner: the optimizer.
            factors: map the number of the batch, from 0 on, to a factor; all are scalar tensors.
            every: the number of batches from one step to the next.
        """
        super().__init__(inner)
        self.factors = factors
        self.every = every
        self.steps = torch.zeros((), dtype=torch.float64, device=self.parameters[0].device)

    def state(self) -> list[Tensor]:
        """Return the inner optimizer's and the count of steps."""
        return [*self.inner.state(), self.steps]

    def columns(self) -> dict[str, float]:
        """Return the learning rate of the last step."""
        return self.inner.columns() | {"learning_rate": self.learning_rate * float(self._last())}

    def update(self, gradients: list[Tensor]) -> None:
        """Change the parameters by a share of the inner step."""
        self.steps += 1
        before = [parameter.clone() for parameter in self.parameters]
        self.inner.update(gradients)
        share = self._last()
        for parameter, start in zip(self.parameters, before, strict=True):
            parameter.copy_(torch.lerp(start, parameter, share.to(parameter.dtype)))

    def _last(self) -> Tensor:
        """Return the share of the step that was begun last."""
        batch = self.steps * self.every - 1
        return torch.stack([factor(batch) for factor in self.factors]).prod()


class ClippedGradients(Wrapper):
    """Shortens the gradient of all parameters together to a norm: g ← g·min(1, c/‖g‖).

    Pascanu, Mikolov and Bengio (2013), "On the difficulty of training recurrent neural networks",
    algorithm 1; as `torch.nn.utils.clip_grad_norm_` computes it.
    """

    def __init__(self, inner: Optimizer, norm: float) -> None:
        super().__init__(inner)
        self.norm = norm

    def update(self, gradients: list[Tensor]) -> None:
        """Shorten the gradients and change the parameters."""
        norms = torch.stack([torch.linalg.vector_norm(gradient) for gradient in gradients])
        share = (self.norm / (torch.linalg.vector_norm(norms) + TINY)).clamp(max=1)
        self.inner.update([gradient * share for gradient in gradients])


def wrapped(
    optimizer: Optimizer, settings: Mapping[str, Any], batches: int, every: int
) -> Optimizer:
    """Return an optimizer with what a run's settings put around it; by default the optimizer.

    A schedule scales a step with its decay, as Loshchilov and Hutter (2019) do. Gradients are
    clipped first.

    Args:
        optimizer: of a player.
        settings: of the run; reads weight_decay, schedule, warm_up, epochs and clip_norm.
        batches: the number of batches of an epoch.
        every: the number of batches from one of the player's steps to the next.
    """
    if "weight_decay" in settings:
        optimizer = WeightDecay(optimizer, settings["weight_decay"])
    if factors := _factors(settings, batches):
        optimizer = Scheduled(optimizer, factors, every)
    if "clip_norm" in settings:
        optimizer = ClippedGradients(optimizer, settings["clip_norm"])
    return optimizer


def _factors(settings: Mapping[str, Any], batches: int) -> list[FactorOfBatch]:
    """Return the factors of the learning rate, as functions of the batch's number from 0 on.

    A warm-up rises evenly and reaches 1 with the last batch of its last epoch (Goyal et al. 2017,
    "Accurate, large minibatch SGD", section 2.2). A schedule runs over all epochs; where there are
    both, the rate is their product.
    """
    factors: list[FactorOfBatch] = []
    if "schedule" in settings:
        schedule, epochs = schedules.load(settings["schedule"]), settings["epochs"]
        factors.append(lambda batch: schedule(batch / batches, epochs))
    if "warm_up" in settings:
        steps = settings["warm_up"] * batches
        factors.append(lambda batch: ((batch + 1) / steps).clamp(max=1))
    return factors
