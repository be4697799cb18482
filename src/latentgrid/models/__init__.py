"""The contract of a model, and what models can be asked to do.

A model is a `Model` in a file of its own, named as in `params.yaml`. It says what it can do by
the methods it has; whatever comes after it asks for the ability (`isinstance(model, Encoder)`) and
never for a class.
"""

import importlib
from typing import ClassVar, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from latentgrid.nets.initialise import glorot_uniform

ImageShape = tuple[int, int, int]
Losses = dict[str, Tensor]


class Model(nn.Module):
    """What every model is.

    Attributes:
        terms: the name of each loss term and its unit, per image.
        total: what the sum of the terms is, in words.
        batch_total: what `batch_loss` sums over, in words.
    """

    terms: ClassVar[dict[str, str]]
    total: ClassVar[str]
    batch_total: ClassVar[str]

    def initialise(self, generator: torch.Generator) -> None:
        """Set the weights before training."""
        glorot_uniform(self, generator)

    def losses(self, images: Tensor, generator: torch.Generator) -> Losses:
        """Return each term's value per image, shape (n,), for images (n, c, h, w) in [0, 1]."""
        raise NotImplementedError

    def batch_loss(self, losses: Losses) -> Tensor:
        """Return the scalar that one training step minimises, as the source sums or averages it."""
        raise NotImplementedError

    def batch_surplus(self, n: int) -> float:
        """Return the constant by which `batch_loss` of n images exceeds what it should be."""
        return 0.0


@runtime_checkable
class Encoder(Protocol):
    """Maps images to codes."""

    latent_dim: int

    def encode(self, images: Tensor) -> Tensor:
        """Map images (n, c, h, w) in [0, 1] to codes (n, d); the posterior mean if there is one."""
        ...


@runtime_checkable
class Decoder(Protocol):
    """Maps codes to images."""

    latent_dim: int

    def decode(self, codes: Tensor) -> Tensor:
        """Map codes (n, d) to images (n, c, h, w) in [0, 1]."""
        ...


@runtime_checkable
class Sampler(Protocol):
    """Draws new images."""

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw images (n, c, h, w) in [0, 1]; `generator` is on the CPU."""
        ...


def load(name: str) -> type[Model]:
    """Return the model that the file `name` of this folder defines."""
    module = importlib.import_module(f"{__name__}.{name}")
    return next(
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Model)
        and value.__module__ == module.__name__
    )


def parameter_count(model: nn.Module) -> int:
    """Return the number of trainable scalars."""
    return sum(parameter.numel() for parameter in model.parameters())
