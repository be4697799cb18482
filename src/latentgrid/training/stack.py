"""A stack: runs that train as one computation, each as if it were alone.

One small network cannot fill a GPU. The runs of a stack differ in optimizer, learning rate and seed
alone, so that their parameters lie in one tensor, and the losses and gradients of all of them are
computed by the same kernels. All else is each run's own: optimizer, draws, history and end.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from latentgrid.data import Batch, Images
from latentgrid.models import Losses, Model
from latentgrid.randomness import random_generator
from latentgrid.training.capture import Mode, eager
from latentgrid.training.draws import DrawingFrom, Generators
from latentgrid.training.loop import Training, named
from latentgrid.training.steps import Batches, Row, Sums, due

Tensors = Mapping[str, Tensor]


class Stack:
    """Trainings side by side, in a fixed number of places.

    What is computed in a place depends on the number of places and not on what lies in the others.
    A place without a run, or whose run is done, computes what nobody reads.

    Attributes:
        members: the trainings, in the first places.
    """

    def __init__(
        self,
        models: Sequence[Model],
        data: Images,
        settings: Sequence[Mapping[str, Any]],
        width: int,
        mode: Mode = eager,
        left_out: Collection[int] = (),
    ) -> None:
        """Put the models into a stack and prepare for the first epoch.

        Args:
            models: one for each run, on the device of `data`.
            data: training and test images.
            settings: of each run; they differ in optimizer, learning rate and seed alone.
            width: the number of places, as many as there are models or more.
            mode: how steps are taken (`capture`); `captured` needs a GPU.
            left_out: places of runs that are not trained, and keep them from the others.

        Raises:
            ValueError: there are more models than places.
        """
        if len(models) > width:
            raise ValueError(f"{len(models)} runs are too many for a stack of {width}")
        self.models, self.width, self.mode, self.left_out = models, width, mode, left_out
        self.device = data.train_images.device
        for model in models:  # optimizers lay out what they keep as the parameters lie
            model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        pairs = zip(models, settings, strict=True)
        self.members = [Training(model, data, chosen) for model, chosen in pairs]

    @property
    def in_training(self) -> list[int]:
        """The places of the runs that are not done; all of them have completed the same epochs."""
        return [
            place
            for place, member in enumerate(self.members)
            if not member.is_done and place not in self.left_out
        ]

    def next_epoch(self) -> dict[int, Row]:
        """Train all runs that are not done for one epoch, and test them.

        Returns:
            For each place in training the row of the history, which the run has not been told yet
            (`Training.end_epoch`).
        """
        started = time.perf_counter()
        training = self.in_training
        epoch = Epoch(self)
        trained = epoch.train()
        share = (time.perf_counter() - started) / len(training)
        rows = {}
        for place in training:
            member = self.members[place]
            member.seconds.append(share)
            rows[place] = {"epoch": member.epoch + 1, **named("train", trained[place])}
        for part in self.members[0].tested:
            for place, row in epoch.test(part).items():
                rows[place] |= named(part, row)
        return rows


class Epoch:
    """An epoch of a stack: of the runs that are not done at its begin.

    Attributes:
        places: of the runs that are in training.
        leads: the first of these of each seed, which draws for all runs of its seed.
        follows: which of the leads each place of the stack follows, int64 (width,).
        tensors: the parameters and buffers of all places, (width, …) each; those of the models are
            views of them.
    """

    def __init__(self, stack: Stack) -> None:
        self.stack, self.members = stack, stack.members
        self.places = stack.in_training
        seeds = {self.members[place].seed: place for place in reversed(self.places)}
        self.leads = [self.members[place] for place in seeds.values()]
        of_runs = {place: [*seeds].index(self.members[place].seed) for place in self.places}
        self.follows = torch.tensor(
            [of_runs.get(place, 0) for place in range(stack.width)], device=stack.device
        )
        self.first = self.members[self.places[0]]

    def train(self) -> dict[int, Row]:
        """Prepare the models and take the steps; return for each place in training its means."""
        begun = {place: self.members[place].begin_epoch() for place in self.places}
        sums = self.take_steps([begun[self.members.index(lead)] for lead in self.leads])
        self._let_all_go_on_alike()
        return {
            place: self.members[place].row_of(total, begun[place]) for place, total in sums.items()
        }

    def take_steps(self, batches: Sequence[Batches]) -> dict[int, Sums]:
        """Take the steps of the epoch.

        Args:
            batches: of each of the leads.

        Returns:
            For each place in training the sums of the losses before each step.
        """
        self.tensors = _stacked(self.stack.models, self.stack.width)
        noise, sums = Generators([lead.noise for lead in self.leads]), self._sums()

        def step(turns: Sequence[int], size: int) -> None:
            batch = self._next(batches, size)
            taken = [self._take(number, batch, noise) for number in turns]
            self._add(sums, {k: term for losses, _ in taken for k, term in losses.items()})
            for place, total in sums.items():
                total.objectives += taken[0][1][place]

        self.first.model.train()
        take = self.stack.mode(*noise.each)
        sizes = batches[0].sizes
        for number, size in enumerate(sizes, start=self.first.number_of(batches[0])):
            due_now = due(self.first.turns, number)
            turns = tuple(self.first.turns.index(turn) for turn in due_now)
            take((turns, size), partial(step, turns, size))
        return sums

    @torch.no_grad()
    def test(self, part: str) -> dict[int, Row]:
        """Return for each place in training its mean losses over the "test" images, say."""
        images, labels = self.first.tested[part]
        in_place = torch.arange(len(images), device=images.device)
        batches = Batches(images, labels, in_place, self.first.batch_size)
        draws = [random_generator(lead.seed, part, self.stack.device) for lead in self.leads]
        noise, sums = Generators(draws), self._sums()
        model = self.first.model
        model.eval()

        def step(size: int) -> None:
            batch = batches.next(size)
            self._add(sums, self._computed(model.losses, self.tensors, batch, None, noise))

        take = self.stack.mode(*noise.each)
        for size in batches.sizes:
            take(size, partial(step, size))
        return {place: total.row(self.stack.models[place]) for place, total in sums.items()}

    def _sums(self) -> dict[int, Sums]:
        return {place: Sums(self.first.model.terms, self.stack.device) for place in self.places}

    def _add(self, sums: Mapping[int, Sums], losses: Losses) -> None:
        """Add the terms of all places, (width, n) each, to those of the runs."""
        for place, total in sums.items():
            total.add({name: term[place].detach() for name, term in losses.items()})

    def _next(self, batches: Sequence[Batches], size: int) -> Batch:
        """Return the next batch of every place: images (width, n, c, h, w), labels (width, n)."""
        shown = [batch.next(size) for batch in batches]
        images = torch.stack([batch.images for batch in shown])
        labels = torch.stack([batch.labels for batch in shown])
        return Batch(images[self.follows], labels[self.follows])

    def _take(self, number: int, batch: Batch, noise: Generators) -> tuple[Losses, Tensor]:
        """Let a player of every run take its step.

        Args:
            number: which of the players.
            batch: of every place.
            noise: the generators that the leads draw from.

        Returns:
            The player's terms, (width, n) each, and its objectives, (width,), before the step.
        """
        turn = self.first.turns[number]
        names = {id(tensor): name for name, tensor in _tensors(self.first.model)}
        moved = [names[id(parameter)] for parameter in turn.optimizer.parameters]
        leaves = {name: self.tensors[name].detach().requires_grad_() for name in moved}
        losses, objectives = self._computed(
            turn.objective, {**self.tensors, **leaves}, batch, 0, noise
        )
        # A run's objective depends on its own place alone: the sum's gradient is each one's own.
        gradients = torch.autograd.grad(
            objectives.sum(), list(leaves.values()), materialize_grads=True
        )
        for place in self.places:
            own = self.members[place].turns[number]
            own.optimizer.follow([gradient[place] for gradient in gradients])
            own.player.project()
        return losses, objectives.detach()

    def _computed(
        self,
        function: Callable[..., Any],
        tensors: Tensors,
        batch: Batch,
        batch_dim: int | None,
        noise: Generators,
    ) -> Any:
        """Return what a function of the first model's would return for every place.

        Args:
            function: of a batch and a random generator; it computes with the model's tensors.
            tensors: the parameters and buffers of every place.
            batch: of every place, or one for all of them.
            batch_dim: 0 or, if the batch is one for all, None.
            noise: the generators that the leads draw from.
        """
        called = _Called(self.first.model, function)

        def of_one(tensors: Tensors, images: Tensor, labels: Tensor, follows: Tensor) -> Any:
            with DrawingFrom(noise, follows):
                inside = {f"model.{name}": tensor for name, tensor in tensors.items()}
                return functional_call(called, inside, (Batch(images, labels), noise))

        in_dims = (0, batch_dim, batch_dim, 0)
        of_all = torch.vmap(of_one, in_dims, randomness="same")
        return of_all(dict(tensors), batch.images, batch.labels, self.follows)

    def _let_all_go_on_alike(self) -> None:
        """Give what the first run and the leads moved on in this epoch to those that follow."""
        leads = {lead.seed: lead for lead in self.leads}
        for member in (self.members[place] for place in self.places):
            if member is not leads[member.seed]:
                member.noise.set_state(leads[member.seed].noise.get_state())
            for own, firsts in zip(member.turns, self.first.turns, strict=True):
                for state, of_first in zip(own.weigh.state(), firsts.weigh.state(), strict=True):
                    state.copy_(of_first)


class _Called(nn.Module):
    """A function of a model's, as a module whose call `functional_call` can make."""

    def __init__(self, model: Model, function: Callable[..., Any]) -> None:
        super().__init__()
        self.model, self.function = model, function

    def forward(self, batch: Batch, noise: torch.Generator) -> Any:
        """Call the function."""
        return self.function(batch, noise)


def _tensors(model: Model) -> list[tuple[str, Tensor]]:
    """Return a model's parameters and buffers with their names."""
    return [*model.named_parameters(), *model.named_buffers()]


@torch.no_grad()
def _stacked(models: Sequence[Model], width: int) -> dict[str, Tensor]:
    """Put each parameter and buffer of all models into one tensor, (width, …), and return these.

    The models' own become views of them. The first model fills the places that are left.
    """
    own = [dict(_tensors(model)) for model in models]
    filled = [*own, *[own[0]] * (width - len(own))]
    stacked = {name: torch.stack([one[name] for one in filled]) for name in own[0]}
    for place, tensors in enumerate(own):
        for name, tensor in tensors.items():
            tensor.data = stacked[name][place]
    return stacked
