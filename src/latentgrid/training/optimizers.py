"""The optimizers of source 000, which are those of TensorFlow 1, each with the constants that ran.

PyTorch's own differ: its Adam adds ε to the corrected root, its RMSProp starts its mean square
at 0 and adds ε outside the root.
"""

from collections.abc import Callable, Iterable
from typing import Any, cast

import torch
from torch import Tensor
from torch.optim import Optimizer


class TensorFlowAdam(torch.optim.Adam):
    """Adam with β = (0.9, 0.999) and ε = 1e-8 added to the uncorrected root.

    θ ← θ − lr·√(1 − β₂ᵗ)/(1 − β₁ᵗ) · m/(√v + ε), the form before section 2.1 of Kingma and
    Ba (2015), "ε hat". PyTorch adds its ε to √(v/(1 − β₂ᵗ)), so its ε is ours over √(1 − β₂ᵗ).
    """

    EPSILON = 1e-8
    BETAS = (0.9, 0.999)

    def __init__(self, parameters: Iterable[Tensor], learning_rate: float) -> None:
        super().__init__(parameters, lr=learning_rate, betas=self.BETAS, eps=0, fused=True)
        self.steps = 0

    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Take one step."""
        self.steps += 1
        for group in self.param_groups:
            group["eps"] = self.EPSILON / (1 - self.BETAS[1] ** self.steps) ** 0.5
        return cast(float | None, super().step(closure))


class TensorFlowRMSProp(Optimizer):
    """RMSProp with decay 0.9, ε = 1e-10 inside the root, and a mean square that starts at 1.

    s ← 0.9·s + 0.1·g²; θ ← θ − lr·g/√(s + ε) (Tieleman and Hinton 2012, as in TensorFlow 1).
    """

    EPSILON = 1e-10
    DECAY = 0.9

    def __init__(self, parameters: Iterable[Tensor], learning_rate: float) -> None:
        super().__init__(parameters, {"lr": learning_rate})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Take one step."""
        for group in self.param_groups:
            for parameter in group["params"]:
                gradient = parameter.grad
                state = self.state[parameter]
                if not state:
                    state["mean_square"] = torch.ones_like(parameter)
                mean_square = state["mean_square"]
                mean_square.mul_(self.DECAY).addcmul_(gradient, gradient, value=1 - self.DECAY)
                root = (mean_square + self.EPSILON).sqrt_()
                parameter.addcdiv_(gradient, root, value=-group["lr"])


def adadelta(parameters: Iterable[Tensor], learning_rate: float) -> Optimizer:
    """Adadelta with ρ = 0.95 and ε = 1e-8 (Zeiler 2012); PyTorch's and TensorFlow's agree."""
    return torch.optim.Adadelta(parameters, lr=learning_rate, rho=0.95, eps=1e-8)


OPTIMIZERS: dict[str, Callable[..., Any]] = {
    "adadelta": adadelta,
    "adam": TensorFlowAdam,
    "rmsprop": TensorFlowRMSProp,
}
