"""The training loop, the same for every model."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from latentgrid.data import Images, to_unit_interval
from latentgrid.models import Losses, Model
from latentgrid.randomness import generator
from latentgrid.training.optimizers import Optimizer

Row = dict[str, float]
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
    optimizer: Optimizer,
    data: Images,
    settings: Mapping[str, Any],
    after_epoch: Callable[[int, Row | None], None],
) -> Outcome:
    """Train `model` on the training images for `settings["epochs"]` epochs.

    Args:
        model: on the same device as `data`.
        optimizer: of the model's parameters.
        data: training and test images.
        settings: epochs, batch_size and seed are read.
        after_epoch: called with the epoch and its row of the history; first with epoch 0, None.

    Returns:
        What was reached. A loss that is not finite ends the training; the weights and the history
        then stay as they were after the last good epoch.
    """
    epochs, batch_size, seed = settings["epochs"], settings["batch_size"], settings["seed"]
    device = data.train_images.device
    order = generator(seed, "order")
    noise = generator(seed, "noise", device)
    after_epoch(0, None)
    seconds: list[float] = []
    for epoch in range(1, epochs + 1):
        before = {name: value.clone() for name, value in model.state_dict().items()}
        started = time.perf_counter()
        permutation = torch.randperm(len(data.train_images), generator=order).to(device)
        trained = _train_epoch(model, optimizer, data.train_images, permutation, batch_size, noise)
        seconds.append(time.perf_counter() - started)
        tested = evaluate(model, data.test_images, batch_size, generator(seed, "test", device))
        row = {"epoch": epoch, **_named("train", trained), **_named("test", tested)}
        bad = _not_finite(row)
        if bad:
            model.load_state_dict(before)
            return Outcome(epoch - 1, f"{bad} was {row[bad]} in epoch {epoch}", seconds)
        after_epoch(epoch, row)
    return Outcome(epochs, "", seconds)


@torch.no_grad()
def evaluate(model: Model, images: Tensor, batch_size: int, noise: torch.Generator) -> Row:
    """Return the losses over `images`, in batches of the size that training uses."""
    model.eval()
    sums = _Sums(images.device)
    for batch in torch.split(images, batch_size):
        losses = model.losses(to_unit_interval(batch), noise)
        sums.add(losses, model.batch_loss(losses), model.batch_surplus(len(batch)))
    return sums.means(len(images))


def _train_epoch(
    model: Model,
    optimizer: Optimizer,
    images: Tensor,
    permutation: Tensor,
    batch_size: int,
    noise: torch.Generator,
) -> Row:
    model.train()
    sums = _Sums(images.device)
    for batch in _batches(images, permutation, batch_size):
        losses = model.losses(batch, noise)
        batch_loss = model.batch_loss(losses)
        optimizer.zero_grad()
        batch_loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        sums.add(losses, batch_loss, model.batch_surplus(len(batch)))
    return sums.means(len(images))


def _batches(images: Tensor, permutation: Tensor, batch_size: int) -> Iterator[Tensor]:
    for indices in torch.split(permutation, batch_size):
        yield to_unit_interval(images[indices])


class _Sums:
    """Sums of the losses over an epoch, kept on the device in double precision."""

    def __init__(self, device: torch.device) -> None:
        self.terms: Losses = {}
        self.batch_losses = torch.zeros((), dtype=torch.float64, device=device)
        self.surplus = 0.0

    def add(self, losses: Losses, batch_loss: Tensor, surplus: float) -> None:
        for name, values in losses.items():
            total = values.detach().sum(dtype=torch.float64)
            self.terms[name] = self.terms[name] + total if name in self.terms else total
        self.batch_losses += batch_loss.detach()
        self.surplus += surplus

    def means(self, images: int) -> Row:
        """Return each term per image, their sum, and the sum of the batch losses in both scales."""
        terms = {name: total.item() / images for name, total in self.terms.items()}
        batch_sum = self.batch_losses.item()
        return {
            "loss": sum(terms.values()),
            **terms,
            "batch_sum": batch_sum,
            "batch_sum_corrected": batch_sum - self.surplus,
        }


def _not_finite(row: Row) -> str | None:
    """Return the column that is not finite, a term rather than a sum over terms."""
    bad = [name for name, value in row.items() if not math.isfinite(value)]
    terms = [name for name in bad if not name.endswith(SUMS)]
    return next(iter(terms + bad), None)


def _named(part: str, row: Row) -> Row:
    return {f"{part}_{name}": value for name, value in row.items()}
