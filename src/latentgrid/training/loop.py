"""The training loop, the same for every model."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from latentgrid.data import Images
from latentgrid.models import Model
from latentgrid.randomness import random_generator
from latentgrid.training.capture import Mode, eager
from latentgrid.training.early_stopping import EarlyStopping, NoStopping
from latentgrid.training.steps import Batches, Row, Sums, Turn, due, take_turns, turns_of
from latentgrid.training.validation import split

SUMS = ("_loss", "_batch_sum", "_batch_sum_corrected")


@dataclass(frozen=True)
class Outcome:
    """How a training ended.

    Attributes:
        epochs: the number of completed epochs with finite losses; the weights are those after it.
        diverged: which loss was not finite, and in which epoch; empty if all were finite.
        seconds: wall time of each epoch's training, without its test pass and snapshot.
    """

    epochs: int
    diverged: str
    seconds: list[float]


class Training:
    """The training of a model. Its state can be saved and resumed after each epoch.

    Attributes:
        epoch: the number of completed epochs with finite losses.
        diverged: which loss was not finite, and in which epoch; empty if all were finite.
        seconds: wall time of each epoch's training, without its test pass and snapshot.
    """

    def __init__(
        self, model: Model, data: Images, settings: Mapping[str, Any], mode: Mode = eager
    ) -> None:
        """Prepare for the first epoch.

        Args:
            model: the model to train, on the same device as `data`.
            data: training and test images.
            settings: of the run; reads epochs, batch_size, seed, validation, patience, and what
                `turns_of` reads.
            mode: how steps are taken (`capture`); `captured` needs a GPU.
        """
        self.model = model
        self.mode = mode
        self.data, held_out = split(data, settings.get("validation", 0.0))
        self.tested = held_out | {"test": (data.test_images, data.test_labels)}
        self.epochs: int = settings["epochs"]
        self.batch_size: int = settings["batch_size"]
        self.seed: int = settings["seed"]
        self.device = data.train_images.device
        self.order = random_generator(self.seed, "order")
        self.noise = random_generator(self.seed, "noise", self.device)
        batches = math.ceil(len(self.data.train_images) / self.batch_size)
        self.turns = turns_of(model, settings, batches)
        self.stopping = _stopping(model, settings)
        self.epoch = 0
        self.diverged = ""
        self.seconds: list[float] = []

    def run(self, after_epoch: Callable[[Row], None]) -> Outcome:
        """Train for the remaining epochs, or until the validation loss falls no more.

        A loss that is not finite ends the training. Then the weights are set back to those after
        the last epoch with finite losses.

        Args:
            after_epoch: called after each epoch with finite losses, with its row of the history.
        """
        while not self.is_done:
            before = self.weights()
            row = self._next_epoch()
            if self.end_epoch(row, before):
                after_epoch(row)
        return self.outcome

    @property
    def is_done(self) -> bool:
        """Whether no epoch is left: all are completed, or the training ended before."""
        return bool(self.diverged) or self.epoch >= self.epochs or self.stopping.is_due

    @property
    def outcome(self) -> Outcome:
        """How the training has gone so far."""
        return Outcome(self.epoch, self.diverged, self.seconds)

    def weights(self) -> dict[str, Tensor]:
        """Return a copy of the model's weights and buffers."""
        return {name: value.clone() for name, value in self.model.state_dict().items()}

    def end_epoch(self, row: Row, before: Mapping[str, Tensor]) -> bool:
        """Take note of an epoch's row of the history; return whether all its losses are finite.

        If one is not, the training is over and has the weights from `before` the epoch.
        """
        bad = _not_finite(row)
        if bad:
            self.model.load_state_dict(before)
            self.diverged = f"{bad} was {row[bad]} in epoch {self.epoch + 1}"
            return False
        self.epoch += 1
        self.stopping.look_at(row)
        return True

    def state(self) -> dict[str, Tensor]:
        """Return a copy, on the CPU, of every tensor that the next epoch depends on."""
        weights = {f"model/{name}": value for name, value in self.model.state_dict().items()}
        draws = {"order": self.order.get_state(), "noise": self.noise.get_state()}
        every = weights | self._besides_weights() | draws
        # Copies, because safetensors stores no tensors that share memory, as tied weights do.
        return {
            name: value.cpu().clone(memory_format=torch.contiguous_format)
            for name, value in every.items()
        }

    @torch.no_grad()
    def resume_from(
        self, state: Mapping[str, Tensor], epoch: int, seconds: Sequence[float]
    ) -> None:
        """Set model, optimizers and random generators to the `state` saved after `epoch`."""
        self.model.load_state_dict(
            {name: state[f"model/{name}"] for name in self.model.state_dict()}
        )
        for name, tensor in self._besides_weights().items():
            tensor.copy_(state[name])
        self.order.set_state(state["order"])
        self.noise.set_state(state["noise"])
        self.epoch = epoch
        self.seconds = list(seconds)

    def _besides_weights(self) -> dict[str, Tensor]:
        """Return the tensors of the optimizers and of what else changes with time, by name."""
        turns = {
            f"optimizer/{player}/{number}": tensor
            for player, turn in enumerate(self.turns)
            for number, tensor in enumerate(turn.state())
        }
        return turns | self.stopping.state()

    def _next_epoch(self) -> Row:
        """Train for one epoch and return its row of the history."""
        started = time.perf_counter()
        row = {"epoch": self.epoch + 1, **named("train", self.train_epoch())}
        self.seconds.append(time.perf_counter() - started)
        for part in self.tested:
            row |= named(part, self.test(part))
        return row

    def train_epoch(self) -> Row:
        """Take the steps of one epoch.

        Returns:
            The mean of each loss over the training images, each computed before its batch's step,
            and what the first player's optimizer tells.
        """
        batches = self.begin_epoch()
        if self.turns:
            return self.row_of(self.take_steps(batches), batches)
        draws = random_generator(self.seed, "train", self.device)
        shown = self.data.train_images, self.data.train_labels
        return evaluate(self.model, *shown, self.batch_size, draws, self.mode)

    @torch.no_grad()
    def begin_epoch(self) -> Batches:
        """Prepare the model for the next epoch, and return its batches in the order drawn."""
        self.model.eval()  # as a test or a snapshot leaves it, and a resumed training does not
        self.model.before_epoch(self.epoch + 1, self.data.train_images, self.noise)
        order = torch.randperm(len(self.data.train_images), generator=self.order)
        shown = self.data.train_images, self.data.train_labels
        return Batches(*shown, order.to(self.device), self.batch_size)

    def number_of(self, batches: Batches) -> int:
        """Return the number of the next epoch's first batch, counted from 1 over all epochs."""
        return self.epoch * len(batches.sizes) + 1

    def row_of(self, sums: Sums, batches: Batches) -> Row:
        """Return what `train_epoch` returns, from the sums over an epoch's batches."""
        surplus = sum(map(self.model.batch_surplus, batches.sizes))
        told = self.turns[0].optimizer.columns()
        return sums.row(self.model) | sums.batch_sum(surplus) | told

    def test(self, part: str = "test") -> Row:
        """Return the mean of each loss over the images that are not trained on.

        Args:
            part: "test", or "validation" for the part of the training images that is held out.
        """
        draws = random_generator(self.seed, part, self.device)
        return evaluate(self.model, *self.tested[part], self.batch_size, draws, self.mode)

    def take_steps(self, batches: Batches) -> Sums:
        """Take the steps of an epoch, and return the sums of the losses before each."""
        sums = Sums(self.model.terms, self.device)

        def step(turns: Sequence[Turn], size: int) -> None:
            losses, objective = take_turns(turns, batches.next(size), self.noise)
            sums.add(losses)
            sums.objectives += objective

        self.model.train()
        take = self.mode(self.noise)
        for number, size in enumerate(batches.sizes, start=self.number_of(batches)):
            turns = due(self.turns, number)
            take((turns, size), partial(step, turns, size))
        return sums


@torch.no_grad()
def evaluate(
    model: Model,
    images: Tensor,
    labels: Tensor,
    batch_size: int,
    noise: torch.Generator,
    mode: Mode = eager,
) -> Row:
    """Return the mean of each loss over uint8 `images`, computed in batches of `batch_size`."""
    in_place = torch.arange(len(images), device=images.device)
    batches = Batches(images, labels, in_place, batch_size)
    sums = Sums(model.terms, images.device)
    model.eval()

    def step(size: int) -> None:
        sums.add(model.losses(batches.next(size), noise))

    take = mode(noise)
    for size in batches.sizes:
        take(size, partial(step, size))
    return sums.row(model)


def _stopping(model: Model, settings: Mapping[str, Any]) -> EarlyStopping | NoStopping:
    """Return what ends a run early; by default nothing does."""
    if "patience" not in settings:
        return NoStopping()
    settling = max(model.pretraining, settings.get("kl_warm_up", 0))
    return EarlyStopping(settings["patience"], settling)


def _not_finite(row: Row) -> str | None:
    """Return a column that is not finite, a single term if one is; None if all are finite."""
    bad = [name for name, value in row.items() if not math.isfinite(value)]
    terms = [name for name in bad if not name.endswith(SUMS)]
    return next(iter(terms + bad), None)


def named(part: str, row: Row) -> Row:
    """Return a row whose names begin with the part of the images that it is of."""
    return {f"{part}_{name}": value for name, value in row.items()}
