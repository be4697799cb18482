"""The contract of an optimizer (`latentgrid.training.optimizers`)."""

import torch
from torch import Tensor

from latentgrid.contracts import require
from latentgrid.training import optimizers
from latentgrid.training.optimizers import Optimizer

RATE = 0.01
STEPS = 5


def _weights() -> list[Tensor]:
    """Return weights of different shapes, as of two networks."""
    starts = torch.linspace(1, 2, 6).reshape(2, 3), torch.linspace(-2, -1, 4)
    return [start.clone().requires_grad_() for start in starts]


def _optimizer(name: str, weights: list[Tensor]) -> Optimizer:
    return optimizers.load(name)([[weight] for weight in weights], RATE)


def _objective(weights: list[Tensor]) -> Tensor:
    return torch.stack([weight.square().sum() for weight in weights]).sum()


def steps_lead_downhill(name: str) -> None:
    """A few steps lower a sum of squares and move the weights of every group."""
    weights = _weights()
    optimizer, start = _optimizer(name, weights), float(_objective(weights).detach())
    for _ in range(STEPS):
        optimizer.minimise(_objective(weights))
    require(float(_objective(weights).detach()) < start, f"{STEPS} steps did not lower a square")
    for weight, before in zip(weights, _weights(), strict=True):
        require(bool((weight != before).all()), "update() leaves some parameters as they are")


def goes_on_from_its_state(name: str) -> None:
    """`state` returns everything that the next step depends on, so that a killed run can resume."""
    weights, again = _weights(), _weights()
    first, second = _optimizer(name, weights), _optimizer(name, again)
    for _ in range(STEPS):
        first.minimise(_objective(weights))
    with torch.no_grad():
        for own, other in zip(again, weights, strict=True):
            own.copy_(other)
        for own, other in zip(second.state(), first.state(), strict=True):
            own.copy_(other)
    for _ in range(STEPS):
        first.minimise(_objective(weights))
        second.minimise(_objective(again))
    require(
        all(torch.equal(own, other) for own, other in zip(weights, again, strict=True)),
        "a second optimizer that got parameters and state() takes other steps",
    )


def layout_of_a_gradient_does_not_matter(name: str) -> None:
    """Gradients with another order of their numbers in memory give the same step."""
    start = torch.arange(24.0).reshape(1, 2, 3, 4)
    slopes = start.sin()
    ends = []
    for laid_out in (slopes, slopes.contiguous(memory_format=torch.channels_last)):
        weight = start.clone().requires_grad_()
        given = _GivenGradient.apply(weight, laid_out)  # type: ignore[no-untyped-call]
        optimizers.load(name)([[weight]], RATE).minimise(given)
        ends.append(weight.detach())
    require(torch.equal(*ends), "a gradient with other strides makes another step")
    require(not torch.equal(ends[0], start), "a step changed nothing")


class _GivenGradient(torch.autograd.Function):
    """Returns 0 forward, and backward a given gradient with its own strides."""

    @staticmethod
    def forward(context, theta, gradient):  # type: ignore[no-untyped-def]
        context.gradient = gradient
        return theta.new_zeros(())

    @staticmethod
    def backward(context, slope):  # type: ignore[no-untyped-def]
        return context.gradient, None


CHECKS = (steps_lead_downhill, goes_on_from_its_state, layout_of_a_gradient_does_not_matter)
