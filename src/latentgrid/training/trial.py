"""Tries a network before any run is trained: it is prepared, takes one step and one snapshot.

So a mistake ends the workflow after seconds, and not only when the run's turn comes: an encoder
whose output does not fit the decoder, a network that does not fit the images, or a player who would
never take a step.
"""

import pickle
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from inspect import signature
from math import ceil, isclose
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from latentgrid import models
from latentgrid.data import Batch, Images, as_batch
from latentgrid.data.sources import Size
from latentgrid.errors import UserError, one_line
from latentgrid.grid import catalogue
from latentgrid.grid.messages import EntryError
from latentgrid.grid.options import require_sense
from latentgrid.grid.runs import FUSED
from latentgrid.models import ImageShape, Model, Player
from latentgrid.randomness import random_generator
from latentgrid.training import schedules
from latentgrid.training.loop import Training
from latentgrid.training.promises import are_seen, keep_promises
from latentgrid.training.snapshots import snapshot
from latentgrid.training.stack import Epoch, Stack
from latentgrid.training.steps import Batches, Row, Turn, take_turns, turns_of
from latentgrid.training.validation import trained_on

TERM = re.compile(r"[a-z][a-z0-9_]*")
SMALL_AT_FIRST = ("schedule", "warm_up")
MOMENTS = 32  # of a training, at which its schedule is looked at
# Every history has columns of these names behind train_.
OF_HISTORIES = ("loss", "batch_sum", "batch_sum_corrected", "learning_rate")
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
    try:
        are_seen(settings["model"], model)
    except UserError as error:
        raise UserError(f"{name}: {error}") from None
    require_enough(name, model, settings, size)
    try_step(name, model, settings, size)
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
        _keeps_the_contract(model, model.losses(shown_to_it, noise))
        if not torch.equal(shown_to_it.images, as_batch(images, labels).images):
            raise UserError("losses() changes the images it is given; change images.clone()")
        turns = turns_of(model, settings)
        if turns and "schedule" in settings:
            _has_sound_factors(settings)
        if turns:
            _minimises(turns, as_batch(images, labels), noise)
            # Without what makes the first step smaller, perhaps 0.
            whole = {name: settings[name] for name in settings if name not in SMALL_AT_FIRST}
            _moves(turns_of(model, whole), as_batch(images, labels), noise)
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


def _global_draws() -> bytes:
    """Return the states of the generators that no run has for itself.

    That of Python's own `random` is left out: to import a library may change it.
    """
    return pickle.dumps((torch.get_rng_state().numpy(), np.random.get_state()))


def _draws_nothing_else(before: bytes) -> None:
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


def _keeps_the_contract(model: Model, losses: object) -> None:
    if not (model.loss_description and (type(model).__doc__ or "").strip()):
        raise UserError("the class needs a docstring, and `loss_description` in words")
    _names_its_terms(model.terms)
    if not isinstance(losses, dict) or set(losses) != set(model.terms):
        found = ", ".join(losses) if isinstance(losses, dict) else type(losses).__name__
        raise UserError(f"losses() must give the terms {', '.join(model.terms)}, not {found}")
    for term, values in losses.items():
        if not _is_a_value_per_image(values):
            raise UserError(f"losses() must give {term} a value per image, a float tensor (n,)")
    total = model.loss({term: values.mean() for term, values in losses.items()})
    if not isinstance(total, Tensor) or total.shape != ():
        raise UserError("loss() must make a scalar tensor of the terms' means")
    _names_what_there_is(model)
    _has_players(model, model.players())


def _is_a_value_per_image(values: object) -> bool:
    return isinstance(values, Tensor) and values.shape == (FEW,) and values.is_floating_point()


def _names_its_terms(terms: object) -> None:
    """Refuse terms whose columns of histories something else has."""
    if not isinstance(terms, dict) or not terms:
        raise UserError('`terms` must say what each term is, as in {"kl": "nats per image"}')
    named = map(catalogue.names_of_values, catalogue.measures())
    measured = {name for names in named for name in names or ()}
    for term in terms:
        if not (isinstance(term, str) and TERM.fullmatch(term)):
            raise UserError(f"terms: found {term!r}; allowed: letters, digits and _, lower-case")
        if term in OF_HISTORIES or {f"train_{term}", f"test_{term}"} & measured:
            raise UserError(
                f"terms: {term} is a column of every history or of a measure; choose another name"
            )


def _names_what_there_is(model: Model) -> None:
    """Refuse constants that would be ignored, as they name what does not exist."""
    every = map(catalogue.model_hyperparameters, catalogue.models())
    hyperparameters = sorted({name for one in every for name in one})
    measured = sorted(
        catalogue.measured() or ()
    )  # none is known if a measure does not name its own
    for constant, named, known in (
        ("annealed", model.annealed, list(model.terms)),
        ("loss_depends_on", model.loss_depends_on, hyperparameters),
        ("ranked_by", [model.ranked_by] if model.ranked_by and measured else [], measured),
    ):
        unknown = [name for name in named if name not in known]
        if unknown:
            allowed = ", ".join(known)
            raise UserError(f"{constant} names {unknown[0]}, which is none of {allowed}")
    if type(model.pretraining) is not int or model.pretraining < 0:
        raise UserError(f"pretraining is {model.pretraining!r}; allowed: a number of epochs")


def _has_players(model: Model, players: Sequence[Player]) -> None:
    if not players and not model.closed_form:
        raise UserError(
            "players() gives none, so that no weight would move; a model that takes no steps says "
            "closed_form = True"
        )
    rates = ("learning_rate", *model.own_rates)
    for player in players:
        if player.rate not in rates:
            raise UserError(
                f"a player's rate is {player.rate}, which is none of {', '.join(rates)}"
            )
        # Whatever can be iterated over would be taken, and a parameter gives its rows.
        if not all(
            isinstance(group, list) and all(map(_is_weight, group)) for group in player.groups
        ):
            raise UserError(
                "a player's groups must be lists of parameters, as in "
                "[list(self.encoder.parameters())]"
            )
    for rate in model.own_rates:
        if rate not in [player.rate for player in players]:
            raise UserError(f"own_rates names {rate}, which is the rate of no player")
    paces = [player.every for player in players]
    if paces and (paces[0] != 1 or min(paces) < 1):
        raise UserError("the first of players() must step on every batch, and none more often")


def _is_weight(value: object) -> bool:
    return isinstance(value, nn.Parameter)


def _minimises(turns: Iterable[Turn], batch: Batch, noise: torch.Generator) -> None:
    """Refuse a player whose objective has no gradient."""
    for turn in turns:
        _, objective = turn.objective(batch, noise)
        if not isinstance(objective, Tensor) or objective.shape != ():
            found = tuple(objective.shape) if isinstance(objective, Tensor) else type(objective)
            raise UserError(f"batch_loss(), or an objective, must be a scalar tensor, not {found}")
        if not objective.requires_grad:
            raise UserError(
                "batch_loss(), or an objective, depends on no weight: nothing may be detached "
                "between weights and losses, nor made a number or an integer"
            )


def _moves(turns: Sequence[Turn], batch: Batch, noise: torch.Generator) -> None:
    """Let the players take a step, and refuse one whose optimizer moves none of its weights."""
    weights = [turn.player.parameters for turn in turns]
    before = [[weight.detach().clone() for weight in of_one] for of_one in weights]
    take_turns(turns, batch, noise)
    for turn, now, then in zip(turns, weights, before, strict=True):
        if all(map(torch.equal, now, then)):
            raise UserError(
                "a step of the optimizer moves no weight; its update() must change the parameters "
                "in place, as by parameter.sub_(…), and the learning rate must not vanish"
            )
        if not all(isinstance(tensor, Tensor) for tensor in turn.state()):
            raise UserError("the optimizer's state() must return a list of tensors")


def _has_sound_factors(settings: Mapping[str, Any]) -> None:
    """Refuse a schedule that is not a finite share of 0 or more all the time, or always 0."""
    epochs = settings["epochs"]
    moments = torch.arange(MOMENTS, dtype=torch.float64) * epochs / MOMENTS
    factors = [schedules.load(settings["schedule"])(moment, epochs) for moment in moments]
    place = f"schedule {settings['schedule']}: factor()"
    if not all(isinstance(factor, Tensor) and factor.shape == () for factor in factors):
        raise UserError(f"{place} must return a scalar tensor, made of the epoch that it is given")
    found = torch.stack(factors)
    if not bool((found.isfinite() & (found >= 0)).all()) or not bool(found.any()):
        low, high = float(found.min()), float(found.max())
        raise UserError(
            f"{place} gives {low:.3g} to {high:.3g} over {epochs} epochs; allowed: numbers of 0 or "
            f"more, not all of them 0"
        )


def _misfit(name: str, shape: ImageShape, error: BaseException) -> UserError:
    return UserError(f"{name}: fails when tried on images of {shown(shape)}: {_reason(error)}")


def _reason(error: BaseException) -> str:
    reason = str(error).partition("\n")[0]
    return reason if isinstance(error, UserError) else f"{type(error).__name__} {reason}".strip()


def shown(shape: ImageShape) -> str:
    """Return the shape of an image in words."""
    return "×".join(map(str, shape))
