"""Holds a model's losses, its players and their steps to the contract, so that none trains in vain.

A player whose optimizer moves nothing, for example, would train for all epochs without a word.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from latentgrid.data import Batch
from latentgrid.errors import UserError
from latentgrid.grid import catalogue
from latentgrid.models import Model, Player
from latentgrid.training import schedules
from latentgrid.training.steps import Turn

TERM = re.compile(r"[a-z][a-z0-9_]*")
# Every history has columns of these names behind train_.
OF_HISTORIES = ("loss", "batch_sum", "batch_sum_corrected", "learning_rate")
TINY = 1e-6  # a gradient that may be lost in the rounding of a weight
MOMENTS = 32  # of a training, at which its schedule is looked at


def keeps_its_losses(model: Model, losses: object, n: int) -> None:
    """Refuse losses, terms, constants or players that are not as `models` says.

    Args:
        model: the model.
        losses: what it gave for n images.
        n: how many.

    Raises:
        UserError: something is otherwise; the text says what.
    """
    if not (model.loss_description and (type(model).__doc__ or "").strip()):
        raise UserError("the class needs a docstring, and `loss_description` in words")
    _names_its_terms(model.terms)
    if not isinstance(losses, dict) or set(losses) != set(model.terms):
        found = ", ".join(losses) if isinstance(losses, dict) else type(losses).__name__
        raise UserError(f"losses() must give the terms {', '.join(model.terms)}, not {found}")
    for term, values in losses.items():
        if not _is_a_value_per_image(values, n):
            raise UserError(f"losses() must give {term} a value per image, a float tensor (n,)")
    total = model.loss({term: values.mean() for term, values in losses.items()})
    if not isinstance(total, Tensor) or total.shape != ():
        raise UserError("loss() must make a scalar tensor of the terms' means")
    _names_what_there_is(model)
    _has_players(model, model.players())


def _is_a_value_per_image(values: object, n: int) -> bool:
    return isinstance(values, Tensor) and values.shape == (n,) and values.is_floating_point()


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
    measured = sorted(catalogue.measured() or ())  # any may be, if one names none
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


def minimises(turns: Iterable[Turn], batch: Batch, noise: torch.Generator) -> None:
    """Refuse a player whose objective has no gradient.

    Raises:
        UserError: one has none.
    """
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


def moves(turns: Sequence[Turn], batch: Batch, noise: torch.Generator) -> None:
    """Let the players take a step, and refuse one whose optimizer moves none of its weights.

    A player without a gradient, as against an opponent that is sure, need not move.

    Raises:
        UserError: one does not move, or cannot say what its next step depends on.
    """
    for turn in turns:
        weights = turn.player.parameters
        before = [weight.detach().clone() for weight in weights]
        has_gradient = _has_gradient(turn, batch, noise)
        turn.take(batch, noise)
        if has_gradient and all(map(torch.equal, weights, before)):
            raise UserError(
                "a step of the optimizer moves no weight; its update() must change the parameters "
                "in place, as by parameter.sub_(…), and the learning rate must not vanish"
            )
        if not all(isinstance(tensor, Tensor) for tensor in turn.state()):
            raise UserError("the optimizer's state() must return a list of tensors")


def _has_gradient(turn: Turn, batch: Batch, noise: torch.Generator) -> bool:
    """Tell whether a player's gradient is large enough to move a weight, or not finite."""
    _, objective = turn.objective(batch, noise)
    gradients = torch.autograd.grad(objective, turn.player.parameters, allow_unused=True)
    return any(not bool((part.abs() < TINY).all()) for part in gradients if part is not None)


def has_sound_factors(settings: Mapping[str, Any]) -> None:
    """Refuse a schedule that is not a finite share of 0 or more all the time, or always 0.

    Raises:
        UserError: it is not.
    """
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
