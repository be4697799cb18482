"""The contract of a model, and what models can be asked to do.

A model is a `Model` in a file of its own, named as in `params.yaml`. It says what it can do by
the methods it has; whatever comes after it asks for the ability (`isinstance(model, Encoder)`) and
never for a class.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any, ClassVar, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from latentgrid.data import Batch
from latentgrid.errors import UserError
from latentgrid.grid import components, plugins
from latentgrid.nets.initialise import glorot_uniform

ImageShape = tuple[int, int, int]
Losses = dict[str, Tensor]


@dataclass(frozen=True)
class Player:
    """Parameters that take steps of their own against an objective of their own.

    Attributes:
        groups: what its steps change, in the groups that `adam_000` counts a step for each of; a
            single one but for models with `in_turn`.
        losses: returns the loss terms per image that its objective is made of.
        objective: returns, from these terms, the scalar that a step minimises.
        every: it takes a step on every so many batches.
        paced_by: the hyperparameter that `every` is, to be named where it is too large.
    """

    groups: list[list[nn.Parameter]]
    losses: Callable[[Batch, torch.Generator], Losses]
    objective: Callable[[Losses], Tensor]
    every: int = 1
    paced_by: str = "every"

    @property
    def parameters(self) -> list[nn.Parameter]:
        """What its steps change, all groups."""
        return [parameter for group in self.groups for parameter in group]


class Model(nn.Module):
    """What every model is.

    Attributes:
        terms: the name of each loss term and its unit, per image.
        loss_description: what `loss` is, in words.
        batch_loss_description: what `batch_loss` sums over, in words.
        closed_form: whether `before_epoch` finds the weights and there are no training steps.
        loss_ranks: whether a smaller loss means a better run; not where players judge each other.
        loss_depends_on: hyperparameters that change what the loss is, as a weight in it does: it
            ranks only runs that share them.
        ranked_by: the measure, a column of `runs.csv`, by which runs are compared that the loss
            does not compare; "" for none.
        in_turn: names of the networks to which the model's source applied one optimizer, one after
            another. It says that the model may be trained with `adam_000`, which does so too.
    """

    terms: ClassVar[dict[str, str]]
    loss_description: ClassVar[str]
    batch_loss_description: ClassVar[str] = "mean over the images of a batch"
    closed_form: ClassVar[bool] = False
    loss_ranks: ClassVar[bool] = True
    loss_depends_on: ClassVar[tuple[str, ...]] = ()
    ranked_by: ClassVar[str] = ""
    in_turn: ClassVar[tuple[str, ...]] = ()

    def initialise(self, rng: torch.Generator) -> None:
        """Set the weights before training."""
        glorot_uniform(self, rng)

    def require(self, epochs: int, images: int) -> None:
        """Refuse to be trained for so many epochs or on so many images, if that makes no sense.

        Raises:
            UserError: it makes none; the text says why.
        """

    def players(self) -> list[Player]:
        """Return who takes steps; on each batch they take turns in this order.

        The first one steps on every batch; the sum of its objectives is the `batch_sum` of an
        epoch.
        """
        if self.closed_form:
            return []
        networks = [getattr(self, name) for name in self.in_turn] or [self]
        groups = [list(network.parameters()) for network in networks]
        return [Player(groups, self.losses, self.batch_loss)]

    def before_epoch(self, epoch: int, images: Tensor, rng: torch.Generator) -> None:
        """Do what the model does with all training images (uint8) before an epoch's steps.

        Epochs count from 1. What it finds belongs into parameters or buffers.
        """

    def losses(self, batch: Batch, rng: torch.Generator) -> Losses:
        """Return each term's value per image, shape (n,)."""
        raise NotImplementedError

    def loss(self, losses: Losses) -> Tensor:
        """Return the figure by which runs of this model are compared, affine in the terms."""
        return torch.stack(list(losses.values())).sum(dim=0)

    def batch_loss(self, losses: Losses) -> Tensor:
        """Return the scalar that one training step minimises, as the source sums or averages it."""
        return self.loss(losses).mean()

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

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """Draw images (n, c, h, w) in [0, 1]; `rng` is on the CPU."""
        ...


@runtime_checkable
class Quantile(Protocol):
    """Has a prior whose dimensions are independent."""

    def quantile(self, shares: Tensor) -> Tensor:
        """Map shares (n, d) in (0, 1) of each dimension's prior mass to codes (n, d)."""
        ...


@runtime_checkable
class LatentVariableModel(Protocol):
    """Has densities of codes: q(z│x) to propose them by, and the prior p(z)."""

    def propose(self, images: Tensor, draws: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw codes (draws, n, d) of q(z│x) for images (n, c, h, w) in [0, 1].

        Beside them stands log q(z│x) in nats, (draws, n); `rng` is on the CPU.
        """
        ...

    def log_prior(self, codes: Tensor) -> Tensor:
        """Return log p(z) in nats, codes (…, d) → (…)."""
        ...

    def decode(self, codes: Tensor) -> Tensor:
        """Map codes (n, d) to images (n, c, h, w) in [0, 1]."""
        ...


@runtime_checkable
class Reconstructor(Protocol):
    """Returns images as it understands them, by another way than a code."""

    def reconstruct(self, images: Tensor) -> Tensor:
        """Map images (n, c, h, w) in [0, 1] to images of the same shape and range."""
        ...


@runtime_checkable
class Corrupter(Protocol):
    """Sees images only after they were damaged, and is asked for the images as they were."""

    def corrupt(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """Map images (n, c, h, w) in [0, 1] to damaged ones of the same shape and range."""
        ...


@runtime_checkable
class Classifier(Protocol):
    """Says which class an image belongs to, having been shown the labels."""

    def classify(self, images: Tensor) -> Tensor:
        """Map images (n, c, h, w) in [0, 1] to log-probabilities (n, classes)."""
        ...


@runtime_checkable
class Clusterer(Protocol):
    """Says which cluster an image belongs to, without ever having been shown a label."""

    def cluster(self, images: Tensor) -> Tensor:
        """Map images (n, c, h, w) in [0, 1] to probabilities (n, clusters)."""
        ...


def reconstruct(model: Model, images: Tensor) -> Tensor | None:
    """Return the images as the model gives them back, or None if it does not do so."""
    if isinstance(model, Reconstructor):
        return model.reconstruct(images)
    if isinstance(model, Encoder) and isinstance(model, Decoder):
        return model.decode(model.encode(images))
    return None


def load(name: str) -> type[Model]:
    """Return the model that a file defines: its class whose constructor takes the image's shape.

    Raises:
        UserError: there is no such file, or its class is no `Model`.
    """
    module = importlib.import_module(components.module_of("models", name))
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, Model):
            takes_shape = [*signature(value).parameters][:1] == ["image_shape"]
            if value.__module__ == module.__name__ and takes_shape:
                return value
    file = plugins.shown(components.file_of("models", name))
    raise UserError(f"{file}: needs a class that is a latentgrid.models.Model")


def build(settings: Mapping[str, Any], image_shape: ImageShape, classes: int) -> Model:
    """Return the untrained model of a run's settings, for images (channels, height, width).

    A model whose constructor has an argument `classes` is told how many classes the data have.
    """
    model = load(settings["model"])
    known = {"classes": classes} if "classes" in signature(model).parameters else {}
    return model(image_shape, **known, **settings["hyperparameters"])


def parameter_count(model: nn.Module) -> int:
    """Return the number of trainable scalars."""
    return sum(parameter.numel() for parameter in model.parameters())
