"""The training loop, the same for every model."""

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from latentgrid.data import Batch, Images, as_batch
from latentgrid.models import Losses, Model, Player
from latentgrid.randomness import generator
from latentgrid.training.optimizers import OPTIMIZERS, Optimizer

Row = dict[str, float]
Turns = list[tuple[Player, Optimizer]]
SUMS = ("_loss", "_batch_sum", "_batch_sum_corrected")


@dataclass(frozen=True)
class Outcome:
    """How a training ended.

    Attributes:
        epochs: completed epochs whose losses were finite; the weights are those after the last.
        diverged: empty, or the epoch and loss term that was not finite any more.
        seconds: wall time of each epoch, its test pass and snapshot left out.
    """

    epochs: int
    diverged: str
    seconds: list[float]


class Training:
    """The training of a model, between any two of its epochs.

    Attributes:
        epoch: completed epochs whose losses were finite.
        seconds: wall time of each epoch, its test pass and snapshot left out.
    """

    def __init__(self, model: Model, data: Images, settings: Mapping[str, Any]) -> None:
        """Prepare for the first epoch.

        Args:
            model: on the same device as `data`.
            data: training and test images.
            settings: optimizer, learning_rate, epochs, batch_size and seed are read.
        """
        self.model = model
        self.data = data
        self.epochs: int = settings["epochs"]
        self.batch_size: int = settings["batch_size"]
        self.seed: int = settings["seed"]
        self.device = data.train_images.device
        self.order = generator(self.seed, "order")
        self.noise = generator(self.seed, "noise", self.device)
        self.turns = turns_of(model, settings)
        self.epoch = 0
        self.seconds: list[float] = []

    def run(self, after_epoch: Callable[[Row], None]) -> Outcome:
        """Train for the epochs that are left; `after_epoch` gets the row of each in the history.

        A loss that is not finite ends the training; the weights and the history then stay as they
        were after the last good epoch.
        """
        while self.epoch < self.epochs:
            before = {name: value.clone() for name, value in self.model.state_dict().items()}
            row = self._next_epoch()
            bad = _not_finite(row)
            if bad:
                self.model.load_state_dict(before)
                reason = f"{bad} was {row[bad]} in epoch {self.epoch + 1}"
                return Outcome(self.epoch, reason, self.seconds)
            self.epoch += 1
            after_epoch(row)
        return Outcome(self.epoch, "", self.seconds)

    def state(self) -> dict[str, Tensor]:
        """Return all that the next epoch depends on, besides the settings, on the CPU."""
        weights = {f"model/{name}": value for name, value in self.model.state_dict().items()}
        optimizers = {
            f"optimizer/{player}/{number}": tensor
            for player, (_, optimizer) in enumerate(self.turns)
            for number, tensor in enumerate(optimizer.state())
        }
        draws = {"order": self.order.get_state(), "noise": self.noise.get_state()}
        every = weights | optimizers | draws
        # A copy each: parts of one tensor, as in tied weights, cannot be stored as they are.
        return {
            name: value.cpu().clone(memory_format=torch.contiguous_format)
            for name, value in every.items()
        }

    @torch.no_grad()
    def go_on_from(self, state: Mapping[str, Tensor], epoch: int, seconds: Sequence[float]) -> None:
        """Set everything as it was after `epoch`, when `state` was taken."""
        self.model.load_state_dict(
            {name: state[f"model/{name}"] for name in self.model.state_dict()}
        )
        for player, (_, optimizer) in enumerate(self.turns):
            for number, tensor in enumerate(optimizer.state()):
                tensor.copy_(state[f"optimizer/{player}/{number}"])
        self.order.set_state(state["order"])
        self.noise.set_state(state["noise"])
        self.epoch = epoch
        self.seconds = list(seconds)

    def _next_epoch(self) -> Row:
        """Train for one epoch and return its row of the history."""
        started = time.perf_counter()
        trained = self.train_epoch()
        self.seconds.append(time.perf_counter() - started)
        tested = self.test()
        return {"epoch": self.epoch + 1, **_named("train", trained), **_named("test", tested)}

    def train_epoch(self) -> Row:
        """Take the steps of one epoch and return the losses before each, as means over images."""
        model, data, epoch = self.model, self.data, self.epoch + 1
        with torch.no_grad():
            model.before_epoch(epoch, data.train_images, self.noise)
        permutation = torch.randperm(len(data.train_images), generator=self.order).to(self.device)
        batches = list(torch.split(permutation, self.batch_size))
        if self.turns:
            return _train_epoch(model, self.turns, data, batches, epoch, self.noise)
        shown = data.train_images, data.train_labels
        return evaluate(model, *shown, self.batch_size, generator(self.seed, "train", self.device))

    def test(self) -> Row:
        """Return the losses over the test images, as means over images."""
        shown = self.data.test_images, self.data.test_labels
        draws = generator(self.seed, "test", self.device)
        return evaluate(self.model, *shown, self.batch_size, draws)


@torch.no_grad()
def evaluate(
    model: Model, images: Tensor, labels: Tensor, batch_size: int, noise: torch.Generator
) -> Row:
    """Return the losses over uint8 `images`, in batches of the size that training uses."""
    model.eval()
    means = _Means()
    pieces = zip(torch.split(images, batch_size), torch.split(labels, batch_size), strict=True)
    for of_batch in pieces:
        means.add(model.losses(as_batch(*of_batch), noise))
    return means.row(model)


def turns_of(model: Model, settings: Mapping[str, Any]) -> Turns:
    """Return the players of the model, each with an optimizer of its own."""
    return [
        (player, OPTIMIZERS[settings["optimizer"]](player.parameters, settings["learning_rate"]))
        for player in model.players()
    ]


def take_turns(
    turns: Turns, step: int, batch: Batch, noise: torch.Generator
) -> tuple[Losses, Tensor]:
    """Let each player whose turn it is take its step; steps count from 1.

    Returns:
        All terms per image, as they were before the player's step, and the first's objective.
    """
    terms: Losses = {}
    objectives = []
    for player, optimizer in turns:
        if step % player.every == 0:
            losses = player.losses(batch, noise)
            objective = player.objective(losses)
            optimizer.minimise(objective)
            terms |= {name: values.detach() for name, values in losses.items()}
            objectives.append(objective.detach())
    return terms, objectives[0]


def _train_epoch(
    model: Model,
    turns: Turns,
    data: Images,
    batches: Sequence[Tensor],
    epoch: int,
    noise: torch.Generator,
) -> Row:
    model.train()
    means = _Means()
    batch_sum = torch.zeros((), dtype=torch.float64, device=data.train_images.device)
    for step, indices in enumerate(batches, start=(epoch - 1) * len(batches) + 1):
        batch = as_batch(data.train_images[indices], data.train_labels[indices])
        losses, objective = take_turns(turns, step, batch, noise)
        means.add(losses)
        batch_sum += objective
    surplus = sum(model.batch_surplus(len(indices)) for indices in batches)
    total = batch_sum.item()
    return means.row(model) | {"batch_sum": total, "batch_sum_corrected": total - surplus}


class _Means:
    """Means of the loss terms over images, kept on the device in double precision."""

    def __init__(self) -> None:
        self.sums: Losses = {}
        self.counts: Counter[str] = Counter()

    def add(self, losses: Losses) -> None:
        for name, values in losses.items():
            total = values.sum(dtype=torch.float64)
            self.sums[name] = self.sums[name] + total if name in self.sums else total
            self.counts[name] += len(values)

    def row(self, model: Model) -> Row:
        """Return each term per image, in the model's order, and the loss that they make up."""
        means = {name: self.sums[name] / self.counts[name] for name in model.terms}
        return {
            "loss": model.loss(means).item(),
            **{name: mean.item() for name, mean in means.items()},
        }


def _not_finite(row: Row) -> str | None:
    """Return the column that is not finite, a term rather than a sum over terms."""
    bad = [name for name, value in row.items() if not math.isfinite(value)]
    terms = [name for name in bad if not name.endswith(SUMS)]
    return next(iter(terms + bad), None)


def _named(part: str, row: Row) -> Row:
    return {f"{part}_{name}": value for name, value in row.items()}
