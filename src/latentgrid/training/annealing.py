"""The weight of loss terms whose gradient grows during the first epochs, as a KL divergence's."""

from collections.abc import Collection

import torch
from torch import Tensor

from latentgrid.models import Losses


class Unweighed:
    """Leaves all terms as they are."""

    def __call__(self, losses: Losses) -> Losses:
        """Return the terms."""
        return losses

    def state(self) -> list[Tensor]:
        """Return nothing: no step depends on an earlier one."""
        return []


class Annealed:
    """Weighs the gradient of some terms: by 0 at the first step, by 1 after so many of them.

    The weight rises evenly between (Bowman et al. 2016, "Generating sentences from a continuous
    space", section 3.1; Sønderby et al. 2016, "Ladder variational autoencoders", section 2.2). The
    values of the terms stay whole, so that losses compare from epoch to epoch.
    """

    def __init__(self, terms: Collection[str], steps: float, device: torch.device) -> None:
        """Begin before the first step.

        Args:
            terms: the names of the weighed terms.
            steps: how many steps have a weight below 1; a part of a step counts as such.
            device: where the losses lie.
        """
        self.terms = terms
        self.steps = steps
        self.taken = torch.zeros((), dtype=torch.float64, device=device)

    def __call__(self, losses: Losses) -> Losses:
        """Return the terms, (n,) each, of a step."""
        weight = (self.taken / self.steps).clamp(max=1)
        self.taken += 1
        return {
            name: weighed(term, weight) if name in self.terms else term
            for name, term in losses.items()
        }

    def state(self) -> list[Tensor]:
        """Return the count of steps."""
        return [self.taken]


def weighed(term: Tensor, weight: Tensor) -> Tensor:
    """Return a term's own value with `weight` times its gradient."""
    value = term.detach()
    return value + weight.to(term.dtype) * (term - value)
