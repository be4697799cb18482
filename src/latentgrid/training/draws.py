"""Draws of several random generators inside one computation that `torch.vmap` makes for many runs.

vmap draws once for all that it computes side by side. Runs of several seeds need several draws, and
a model that asks its generator for numbers need not know that it is one of many.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode


class Generators(torch.Generator):
    """Random generators of one device in place of a single one; each run has one of them.

    It draws inside `DrawingFrom` alone.

    Attributes:
        each: the generators.
    """

    each: tuple[torch.Generator, ...]

    def __new__(cls, each: Sequence[torch.Generator]) -> Self:
        """Make the generator on the device of the others."""
        return super().__new__(cls, each[0].device)  # type: ignore[call-arg]

    def __init__(self, each: Sequence[torch.Generator]) -> None:
        self.each = tuple(each)


class DrawingFrom(TorchFunctionMode):
    """Lets a computation of one run draw from the run's own of several generators.

    Every call with `generator=` the `Generators` is made once with each of them, and the run takes
    its own draw. So each generator draws what it would draw alone.
    """

    def __init__(self, generators: Generators, chosen: Tensor) -> None:
        """Prepare for the computation.

        Args:
            generators: to draw from.
            chosen: the position of the run's generator among them, int64 (); vmap maps over it.
        """
        super().__init__()
        self.generators = generators
        self.chosen = chosen

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Make a call of torch's, or one for each generator."""
        kwargs = kwargs or {}
        if kwargs.get("generator") is not self.generators:
            return func(*args, **kwargs)
        draws = torch.stack(
            [func(*_fresh(func, args), **{**kwargs, "generator": g}) for g in self.generators.each]
        )
        return draws.index_select(0, self.chosen[None])[0]


def _fresh(func: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the arguments of a call, with a new tensor for one that the call would fill.

    That one may be a slice of many runs' tensors, which a single draw cannot fill.
    """
    if not func.__name__.endswith("_"):
        return args
    filled = args[0]
    return torch.empty(filled.shape, dtype=filled.dtype, device=filled.device), *args[1:]
