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


def train(
    model: Model,
    data: Images,
    settings: Mapping[str, Any],
    after_epoch: Callable[[int, Row | None], None],
) -> Outcome:
    """Train `model` on the training images for `settings["epochs"]` epochs.

    Args:
        model: on the same device as `data`.
        data: training and test images.
        settings: optimizer, learning_rate, epochs, batch_size and seed are read.
        after_epoch: called with the epoch and its row of the history; first with epoch 0, None.

    Returns:
        What was reached. A loss that is not finite ends the training; the weights and the history
        then stay as they were after the last good epoch.
    """
    epochs, batch_size, seed = settings["epochs"], settings["batch_size"], settings["seed"]
    device = data.train_images.device
    order = generator(seed, "order")
    noise = generator(seed, "noise", device)
    turns = turns_of(model, settings)
    after_epoch(0, None)
    seconds: list[float] = []
    for epoch in range(1, epochs + 1):
        before = {name: value.clone() for name, value in model.state_dict().items()}
        started = time.perf_counter()
        with torch.no_grad():
            model.before_epoch(epoch, data.train_images, noise)
        permutation = torch.randperm(len(data.train_images), generator=order).to(device)
        batches = list(torch.split(permutation, batch_size))
        if turns:
            trained = _train_epoch(model, turns, data, batches, epoch, noise)
        else:
            shown = data.train_images, data.train_labels
            trained = evaluate(model, *shown, batch_size, generator(seed, "train", device))
        seconds.append(time.perf_counter() - started)
        shown = data.test_images, data.test_labels
        tested = evaluate(model, *shown, batch_size, generator(seed, "test", device))
        row = {"epoch": epoch, **_named("train", trained), **_named("test", tested)}
        bad = _not_finite(row)
        if bad:
            model.load_state_dict(before)
            return Outcome(epoch - 1, f"{bad} was {row[bad]} in epoch {epoch}", seconds)
        after_epoch(epoch, row)
    return Outcome(epochs, "", seconds)


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
