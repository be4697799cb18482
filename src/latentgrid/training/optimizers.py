"""The optimizers of source 000, which are those of TensorFlow 1, each with the constants that ran.

`adam` is its formula; `adam_000` is that as the source applied it, to encoder and decoder in turn.
Adversarial networks have one more, Adam with less momentum.

PyTorch's own differ: its Adam adds ε to the corrected root, its RMSProp starts its mean square
at 0 and adds ε outside the root. They stand here on PyTorch's functional kernels and not on
`torch.optim.Optimizer`, whose first use imports the compiler and costs a job three seconds.
"""

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.optim.adadelta import adadelta
from torch.optim.adam import adam


class Optimizer:
    """Takes steps against the gradients of its parameters.

    Attributes:
        groups: the parameters in the groups that it is applied to one after another.
        parameters: those of all groups.
    """

    def __init__(self, groups: Sequence[Iterable[Tensor]], learning_rate: float) -> None:
        self.groups = [list(group) for group in groups]
        self.parameters = [parameter for group in self.groups for parameter in group]
        self.learning_rate = learning_rate

    def minimise(self, objective: Tensor) -> None:
        """Change the parameters by one step down the gradient of a scalar."""
        gradients = torch.autograd.grad(objective, self.parameters, materialize_grads=True)
        with torch.no_grad():
            self.update(
                [laid_out_as(p, g) for p, g in zip(self.parameters, gradients, strict=True)]
            )

    def update(self, gradients: list[Tensor]) -> None:
        """Change the parameters, given their gradients in the same order."""
        raise NotImplementedError

    def state(self) -> list[Tensor]:
        """Return the tensors that the next step depends on, besides the parameters."""
        raise NotImplementedError

    def zeros(self) -> list[Tensor]:
        """Return a zero tensor for each parameter."""
        return [torch.zeros_like(parameter) for parameter in self.parameters]


class Adam(Optimizer):
    """Adam with β = (0.9, 0.999) and ε = 1e-8 added to the uncorrected root.

    θ ← θ − lr·√(1 − β₂ᵗ)/(1 − β₁ᵗ) · m/(√v + ε), the form before section 2.1 of Kingma and
    Ba (2015), "ε hat". PyTorch adds its ε to √(v/(1 − β₂ᵗ)); its kernel does as we want if it
    is told that t is infinite, where its corrections are 1, and given ours with the learning rate.
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
        """Change all parameters by one count of t."""
        self.apply(slice(None), gradients)

    def apply(self, group: slice, gradients: list[Tensor]) -> None:
        """Count t on, and change some of the parameters by PyTorch's fused kernel."""
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


class Adam000(Adam):
    """Adam as source 000 applied it: one object that serves encoder and decoder in turn.

    Its code takes both gradients of one loss, then applies one `tf.compat.v1` object to the encoder
    and again to the decoder. TensorFlow advances β₁ᵗ and β₂ᵗ at each application, so that at step s
    the encoder moves with t = 2s − 1 and the decoder with t = 2s; the moments advance once a step.
    That makes the effective learning rate 1.38 times Adam's at step 50 and 1.24 times at step 600.
    """

    def update(self, gradients: list[Tensor]) -> None:
        """Change one group after another, each by a count of t."""
        start = 0
        for group in self.groups:
            self.apply(slice(start, start := start + len(group)), gradients)


class AdamGAN(Adam):
    """Adam with β₁ = 0.5, at which adversarial networks train stably.

    Radford, Metz and Chintala (2016), "Unsupervised representation learning with deep
    convolutional generative adversarial networks", section 4.
    """

    BETA1 = 0.5


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
        """Change the parameters by PyTorch's kernel."""
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


def laid_out_as(parameter: Tensor, gradient: Tensor) -> Tensor:
    """Return a gradient with the strides of its parameter.

    PyTorch's fused kernel on a CPU takes both for so many numbers in a row, and of images with
    other strides a convolution makes gradients with other strides.
    """
    if gradient.stride() == parameter.stride():
        return gradient
    return torch.empty_like(parameter).copy_(gradient)


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "adadelta": Adadelta,
    "adam": Adam,
    "adam_000": Adam000,
    "adam_gan": AdamGAN,
    "rmsprop": RMSProp,
}
