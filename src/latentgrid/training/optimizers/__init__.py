"""Optimizers, one per file: each file has a subclass of `Optimizer` with its constants.

Source 000 used the optimizers of TensorFlow 1. PyTorch's differ: its Adam adds ε to the
corrected root, its RMSProp starts its mean square at 0 and adds ε outside the root. The optimizers
here call PyTorch's functional kernels and do not use `torch.optim.Optimizer`, because its first use
imports the compiler, which takes three seconds in each job.

IN_TURN = True in a file restricts its optimizer to models whose source applied one optimizer to
several networks, one after another (`Model.in_turn`).
"""

import importlib
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from latentgrid.errors import UserError
from latentgrid.grid import components, plugins


class Optimizer:
    """Takes steps against the gradients of its parameters, each proportional to its learning rate.

    Attributes:
        groups: the parameters in groups; `adam_000` updates one group after another.
        parameters: the parameters of all groups, in the same order.
    """

    def __init__(self, groups: Sequence[Iterable[Tensor]], learning_rate: float) -> None:
        self.groups = [list(group) for group in groups]
        self.parameters = [parameter for group in self.groups for parameter in group]
        self.learning_rate = learning_rate

    def minimise(self, objective: Tensor) -> None:
        """Change the parameters by one step down the gradient of a scalar."""
        self.follow(torch.autograd.grad(objective, self.parameters, materialize_grads=True))

    @torch.no_grad()
    def follow(self, gradients: Iterable[Tensor]) -> None:
        """Change the parameters by one step, given their gradients with any strides."""
        self.update([laid_out_as(p, g) for p, g in zip(self.parameters, gradients, strict=True)])

    def update(self, gradients: list[Tensor]) -> None:
        """Change the parameters, given their gradients in the same order."""
        raise NotImplementedError

    def state(self) -> list[Tensor]:
        """Return the tensors that the next step depends on, besides the parameters."""
        raise NotImplementedError

    def columns(self) -> dict[str, float]:
        """Return what an epoch's row of the history tells of the optimizer; by default nothing."""
        return {}

    def zeros(self) -> list[Tensor]:
        """Return a zero tensor for each parameter."""
        return [torch.zeros_like(parameter) for parameter in self.parameters]


def load(name: str) -> type[Optimizer]:
    """Return the class of the optimizer called `name`.

    Raises:
        UserError: there is no file of this name, or not one `Optimizer` in it.
    """
    module = components.module_of("optimizers", name)
    found = [
        value
        for value in vars(importlib.import_module(module)).values()
        if isinstance(value, type) and issubclass(value, Optimizer) and value.__module__ == module
    ]
    if len(found) != 1:
        file = plugins.shown(components.file_of("optimizers", name))
        named = f", found {', '.join(one.__name__ for one in found)}" if found else ""
        raise UserError(
            f"{file}: needs one class that is a latentgrid.training.optimizers.Optimizer{named}"
        )
    return found[0]


def laid_out_as(parameter: Tensor, gradient: Tensor) -> Tensor:
    """Return a gradient with the strides of its parameter.

    PyTorch's fused kernel on a CPU reads both as plain rows of numbers in memory, and a convolution
    returns gradients with other strides if its images have other strides.
    """
    if gradient.stride() == parameter.stride():
        return gradient
    return torch.empty_like(parameter).copy_(gradient)
