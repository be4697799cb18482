"""One step of training or testing: take a batch, let the players move, and add up the losses.

Nothing in a step waits for the device or depends on a Python number that changes from step to
step, so that it can be captured as a CUDA graph (`capture`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from latentgrid.data import Batch, as_batch
from latentgrid.models import Losses, Model, Player
from latentgrid.training import optimizers
from latentgrid.training.annealing import Annealed, Unweighed
from latentgrid.training.optimizers import Optimizer
from latentgrid.training.wrappers import wrapped

Row = dict[str, float]
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True, eq=False)
class Turn:
    """A player of the model with its optimizer.

    Attributes:
        weigh: weighs the terms before their objective, whose gradient the optimizer follows.
        precision: of matrix products and convolutions; the weights are float32.
    """

    player: Player
    optimizer: Optimizer
    weigh: Unweighed | Annealed
    precision: torch.dtype

    def objective(self, batch: Batch, noise: torch.Generator) -> tuple[Losses, Tensor]:
        """Return the player's terms per image and its objective on a batch."""
        low = self.precision != torch.float32
        with torch.autocast(batch.images.device.type, self.precision, enabled=low):
            losses = self.player.losses(batch, noise)
        terms = self.weigh({name: term.float() for name, term in losses.items()})
        return losses, self.player.objective(terms)

    def take(self, batch: Batch, noise: torch.Generator) -> tuple[Losses, Tensor]:
        """Take the player's step; return its terms per image and its objective before the step."""
        losses, objective = self.objective(batch, noise)
        self.optimizer.minimise(objective)
        self.player.project()
        return {name: term.detach() for name, term in losses.items()}, objective.detach()

    def state(self) -> list[Tensor]:
        """Return the tensors that the next step depends on, besides the model's."""
        return [*self.optimizer.state(), *self.weigh.state()]


def turns_of(model: Model, settings: Mapping[str, Any], batches: int = 1) -> list[Turn]:
    """Return a turn for each player of the model, with an optimizer of its own.

    Args:
        model: the model.
        settings: of the run; reads optimizer, learning rates, precision, epochs, kl_warm_up and
            what `wrapped` reads.
        batches: the number of batches of an epoch, by which what changes with time counts epochs.
    """

    def turn_of(player: Player) -> Turn:
        learning_rate = settings.get(player.rate, settings["learning_rate"])
        alone = optimizers.load(settings["optimizer"])(player.groups, learning_rate)
        return Turn(
            player,
            wrapped(alone, settings, batches, player.every),
            _weighing(model, settings, batches / player.every, alone),
            PRECISIONS[settings["precision"]],
        )

    return [turn_of(player) for player in model.players()]


def turns_with(model: Model, optimizer: type[Optimizer], learning_rate: float) -> list[Turn]:
    """Return a turn for each player in float32, with an optimizer of this class and no options.

    It is for experiments: what they import, the workflow knows, and what they name it does not.
    """
    return [
        Turn(player, optimizer(player.groups, learning_rate), Unweighed(), torch.float32)
        for player in model.players()
    ]


def _weighing(
    model: Model, settings: Mapping[str, Any], steps: float, optimizer: Optimizer
) -> Unweighed | Annealed:
    """Return what weighs the model's annealed terms, by default nothing.

    `steps` are the player's in an epoch, perhaps no whole number if it does not step on each batch.
    """
    if "kl_warm_up" not in settings:
        return Unweighed()
    rise = settings["kl_warm_up"] * steps
    return Annealed(model.annealed, rise, optimizer.parameters[0].device)


def due(turns: Iterable[Turn], step: int) -> tuple[Turn, ...]:
    """Return the turns that are due at a step; steps count from 1."""
    return tuple(turn for turn in turns if step % turn.player.every == 0)


def take_turns(
    turns: Iterable[Turn], batch: Batch, noise: torch.Generator
) -> tuple[Losses, Tensor]:
    """Let the players take their steps on a batch, one after another.

    Returns:
        All loss terms per image, each before its player's step, and the first player's objective.
    """
    taken = [turn.take(batch, noise) for turn in turns]
    terms = {name: term for losses, _ in taken for name, term in losses.items()}
    return terms, taken[0][1]


class Batches:
    """Batches of images in a given order. The position of the next batch lies on the device."""

    def __init__(self, images: Tensor, labels: Tensor, order: Tensor, batch_size: int) -> None:
        """Begin with the first batch; `order` holds indices of images, int64 (n,)."""
        self.images, self.labels, self.order = images, labels, order
        self.sizes = [len(part) for part in torch.split(order, batch_size)]
        self._places = torch.arange(max(self.sizes), device=order.device)

    def next(self, size: int) -> Batch:
        """Return the next batch, which has `size` images."""
        chosen = self.order[self._places[:size]]
        self._places += size
        return as_batch(self.images[chosen], self.labels[chosen])


class Sums:
    """Sums over steps, kept on the device in double precision and read once."""

    def __init__(self, terms: Iterable[str], device: torch.device) -> None:
        zero = torch.zeros((), dtype=torch.float64, device=device)
        self.terms = {name: zero.clone() for name in terms}
        self.images = {name: zero.clone() for name in terms}
        self.objectives = zero.clone()

    def add(self, losses: Losses) -> None:
        """Add terms per image, (n,) each."""
        for name, values in losses.items():
            self.terms[name] += values.sum(dtype=torch.float64)
            self.images[name] += len(values)

    def row(self, model: Model) -> Row:
        """Return the model's loss and the mean of each term over the images."""
        means = {name: self.terms[name] / self.images[name] for name in model.terms}
        return _read({"loss": model.loss(means), **means})

    def batch_sum(self, surplus: float) -> Row:
        """Return the sum of the objectives, also with `surplus` subtracted (`batch_surplus`)."""
        return _read(
            {"batch_sum": self.objectives, "batch_sum_corrected": self.objectives - surplus}
        )


def _read(values: Mapping[str, Tensor]) -> Row:
    numbers: Sequence[float] = torch.stack(list(values.values())).tolist()
    return dict(zip(values, numbers, strict=True))
