"""Tries a network before any run is trained: it is prepared, takes one step and one snapshot.

So a mistake ends the workflow after seconds, and not only when the run's turn comes: an encoder
whose output does not fit the decoder, a network that does not fit the images, or a player who would
never take a step.
"""

import sys
from collections.abc import Mapping, Sequence
from inspect import signature
from math import ceil, isclose
from typing import Any, cast

import numpy as np
import torch

from latentgrid import models
from latentgrid.data import Images, as_batch
from latentgrid.data.sources import Size
from latentgrid.errors import UserError, one_line
from latentgrid.grid.messages import EntryError
from latentgrid.grid.options import require_sense
from latentgrid.grid.runs import FUSED
from latentgrid.models import ImageShape, Model
from latentgrid.randomness import random_generator
from latentgrid.training.loop import Training
from latentgrid.training.players import has_sound_factors, keeps_its_losses, minimises, moves
from latentgrid.training.promises import are_seen, keep_promises
from latentgrid.training.snapshots import snapshot
from latentgrid.training.stack import Epoch, Stack
from latentgrid.training.steps import Batches, Row, Turn, take_turns, turns_of
from latentgrid.training.validation import trained_on

SMALL_AT_FIRST = ("schedule", "warm_up")
FEW = 10  # images; batch normalisation needs more than one
# By how much rounding may move the losses of a few steps in float32: a share, or nats where a loss
# is close to 0, as that of a generator whose images the other player sees through.
ALIKE, NEAR_ZERO = 1e-3, 1e-4


def try_run(name: str, settings: Mapping[str, Any], size: Size) -> None:
    """Refuse a run that could not be trained on data of this size, or would be trained in vain.

    Raises:
        UserError: the run is refused; the text names it and says why.
    """
    images = trained_on(size.train, settings)
    if images == 0:
        raise UserError(
            f"{name}: validation: found {settings['validation']}, which leaves none of the "
            f"{size.train} training images"
        )
    if settings["batch_size"] > images:
        raise UserError(
            f"{name}: batch_size: found {settings['batch_size']}; "
            f"allowed: up to the {images} training images"
        )
    model = build_model(name, settings, size)
    if size.classes == 1 and "classes" in signature(type(model)).parameters:
        raise UserError(f"{name}: is shown classes, and the images have no labels; leave it out")
    require_enough(name, model, settings, size)
    try_step(name, model, settings, size)
    try:
        are_seen(settings["model"], model)
    except UserError as error:
        raise UserError(f"{name}: {error}") from None
    if FUSED in settings:
        try_stack(name, settings, size)
    require_trainable(name, model, settings, size)


def build_model(name: str, settings: Mapping[str, Any], size: Size) -> Model:
    """Build the run's model, untrained.

    Raises:
        UserError: the model cannot be built for images of this size.
    """
    try:
        return models.build(settings, size.shape, size.classes)
    except (Exception, SystemExit) as error:  # whatever a model raises is said in one line
        raise _misfit(name, size.shape, error) from error


def require_enough(name: str, model: Model, settings: Mapping[str, Any], size: Size) -> None:
    """Refuse numbers of epochs and training images that the model's `require` refuses.

    Raises:
        UserError: they are refused.
    """
    try:
        model.require(settings["epochs"], trained_on(size.train, settings))
    except UserError as error:
        raise UserError(f"{name}: {error}") from None


def require_trainable(name: str, model: Model, settings: Mapping[str, Any], size: Size) -> None:
    """Refuse options that go ill together, and a player who would never move.

    Raises:
        UserError: an option could never act or would undo each step, or a player has fewer batches
            than it needs.
    """
    epochs, images = settings["epochs"], trained_on(size.train, settings)
    try:
        require_sense(settings, ("learning_rate", *model.own_rates), model.pretraining)
    except EntryError as error:
        raise UserError(f"{name}: {error}") from None
    batches = ceil(images / settings["batch_size"])
    steps = epochs * batches
    for player in model.players():
        if player.every > steps:
            raise UserError(
                f"{name}: {player.paced_by}: found {player.every}, but all epochs together have "
                f"{steps} batches ({epochs} × {batches}), so that a player would never move; "
                f"allowed: up to {steps}"
            )


def try_step(name: str, model: Model, settings: Mapping[str, Any], size: Size) -> None:
    """Prepare the model, take one step with each player, then a snapshot, on a few random images.

    Raises:
        UserError: a part of the network does not fit the images or another part, or the model does
            not keep the contract.
    """
    data, noise = _few(size), random_generator(1, "trial")
    images, labels = data.train_images, data.train_labels
    try:
        before = _global_draws()
        _prepare(model, trained_on(size.train, settings), size, noise)
        keep_promises(model, as_batch(images, labels), size.classes)
        model.train()
        shown_to_it = as_batch(images, labels)
        keeps_its_losses(model, model.losses(shown_to_it, noise), FEW)
        if not torch.equal(shown_to_it.images, as_batch(images, labels).images):
            raise UserError("losses() changes the images it is given; change images.clone()")
        turns = turns_of(model, settings)
        if turns and "schedule" in settings:
            has_sound_factors(settings)
        if turns:
            minimises(turns, as_batch(images, labels), noise)
            # Without what makes the first step smaller, perhaps 0.
            whole = {name: settings[name] for name in settings if name not in SMALL_AT_FIRST}
            moves(turns_of(model, whole), as_batch(images, labels), noise)
            take_turns(turns, as_batch(images, labels), noise)
            _take_the_last_batch(turns, data, settings, size, noise)
        snapshot(model, data, 0, FEW, manifold=2)
        _draws_nothing_else(before)
    except _LastBatchError as error:
        raise UserError(f"{name}: {error}") from error
    except (Exception, SystemExit) as error:  # as above
        raise _misfit(name, size.shape, error) from error


@torch.no_grad()
def _prepare(model: Model, images: int, size: Size, noise: torch.Generator) -> None:
    """Draw the weights, and prepare for the first epoch with as few images as the model accepts."""
    model.initialise(random_generator(0, "trial"))
    few = FEW
    while few < images and not _accepts(model, few):
        few = min(2 * few, images)
    model.eval()
    model.before_epoch(1, _few(size, few).train_images, noise)


def _accepts(model: Model, images: int) -> bool:
    try:
        model.require(sys.maxsize, images)
    except UserError:
        return False
    return True


def _global_draws() -> tuple[bytes, bytes, int]:
    """Return the states of the generators that no run has for itself.

    That of Python's own `random` is left out: to import a library may change it.
    """
    _, keys, position, *_ = cast("tuple[Any, ...]", np.random.get_state())
    return torch.get_rng_state().numpy().tobytes(), keys.tobytes(), position


def _draws_nothing_else(before: tuple[bytes, bytes, int]) -> None:
    if _global_draws() != before:
        raise UserError(
            "draws from the random generator of PyTorch's or NumPy's own, so that seeds would "
            "share draws or not repeat them; draw with generator=rng, the argument (for "
            "dropout see latentgrid.nets.dropout)"
        )


def _take_the_last_batch(
    turns: Sequence[Turn],
    data: Images,
    settings: Mapping[str, Any],
    size: Size,
    noise: torch.Generator,
) -> None:
    """Take a step with the last batch of an epoch, if it is smaller than what was tried."""
    batch_size, images = settings["batch_size"], trained_on(size.train, settings)
    left = images % batch_size or batch_size
    if left >= FEW:
        return
    try:
        take_turns(turns, as_batch(data.train_images[:left], data.train_labels[:left]), noise)
    except (Exception, SystemExit) as error:
        raise _LastBatchError(
            f"batch_size: found {batch_size}, which leaves a last batch of {left} of {images:,} "
            f"images; with more of them this model can be trained ({_reason(error)})"
        ) from error


class _LastBatchError(UserError):
    """The batch size is wrong, and not the network or the size of its images."""


def try_stack(name: str, settings: Mapping[str, Any], size: Size) -> None:
    """Take steps with two runs in a stack, and compare their losses with those of each alone.

    Raises:
        UserError: the model's step cannot be computed for two runs at once, or gives other losses.
    """
    try:
        data = _few(size)
        # Rounding to bfloat16 would hide what differs.
        shared = {**settings, "validation": 0.0, "precision": "float32"}
        of_each = [{**shared, "seed": seed} for seed in (0, 1)]
        alone = [_trial_of_one(Training(_drawn(one, size), data, one)) for one in of_each]
        stack = Stack([_drawn(one, size) for one in of_each], data, of_each, width=2)
        epoch = Epoch(stack)
        trained = epoch.take_steps([_repeated(data, member) for member in stack.members])
        tested = epoch.test("test")
        for place, (model, rows) in enumerate(zip(stack.models, alone, strict=True)):
            _are_alike([trained[place].row(model), tested[place]], rows)
    except (Exception, SystemExit) as error:  # as above
        reason = one_line(error).partition(". ")[0]
        raise UserError(
            f"{name}: training.fused: found {settings[FUSED]}, and this model cannot train in a "
            f"stack ({reason}); set it to 1"
        ) from error


def _drawn(settings: Mapping[str, Any], size: Size) -> Model:
    model = models.build(settings, size.shape, size.classes)
    model.initialise(random_generator(settings["seed"], "trial"))
    return model


def _trial_of_one(training: Training) -> list[Row]:
    trained = training.take_steps(_repeated(training.data, training))
    return [trained.row(training.model), training.test()]


def _repeated(data: Images, training: Training) -> Batches:
    """Return the same images over and over, until every player has taken a step."""
    steps = max(turn.player.every for turn in training.turns)
    return Batches(data.train_images, data.train_labels, torch.arange(FEW).repeat(steps), FEW)


def _are_alike(stacked: list[Row], alone: list[Row]) -> None:
    """Refuse losses that differ by more than rounding."""
    for of_stack, of_one in zip(stacked, alone, strict=True):
        for term, value in of_one.items():
            if not isclose(value, of_stack[term], rel_tol=ALIKE, abs_tol=NEAR_ZERO):
                raise UserError(f"its {term} is {of_stack[term]:.6g}, and {value:.6g} alone")


def _few(size: Size, few: int = FEW) -> Images:
    """Return random images of the data's size with labels of all classes."""
    noise = random_generator(0, "trial")
    images = torch.randint(0, 256, (few, *size.shape), generator=noise, dtype=torch.uint8)
    labels = torch.linspace(0, size.classes - 1, few).round().to(torch.uint8)
    return Images(images, labels, images, labels)


def _misfit(name: str, shape: ImageShape, error: BaseException) -> UserError:
    return UserError(f"{name}: fails when tried on images of {shown(shape)}: {_reason(error)}")


def _reason(error: BaseException) -> str:
    reason = str(error).partition("\n")[0]
    return reason if isinstance(error, UserError) else f"{type(error).__name__} {reason}".strip()


def shown(shape: ImageShape) -> str:
    """Return the shape of an image in words."""
    return "×".join(map(str, shape))
