"""Finds two settings of a grid that make the same network, which would be trained twice.

A model keeps what it uses: its parts, numbers and names. Two models of one class that keep the same
and begin with the same weights are the same network, whatever their constructors were told.
"""

import hashlib
import io
import pickle
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from latentgrid import models
from latentgrid.data.contract import Size
from latentgrid.errors import UserError
from latentgrid.grid.messages import shown
from latentgrid.grid.runs import canonical, trial_of
from latentgrid.randomness import random_generator

HYPERPARAMETERS = "hyperparameters"


def require_different(plan: Iterable[Mapping[str, Any]], size: Size) -> None:
    """Refuse settings of an entry that differ in nothing but hyperparameters without effect.

    Args:
        plan: the runs, each with `name`, `entry` and `settings`.
        size: of the data.

    Raises:
        UserError: two settings make the same network; the text names them.
    """
    for runs in _otherwise_equal(plan):
        found: dict[str, Mapping[str, Any]] = {}
        for run in runs if len(runs) > 1 else []:
            network = _network(run["settings"], size)
            if network in found:
                raise _same_network(run, found[network])
            if network:
                found[network] = run


def _otherwise_equal(plan: Iterable[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Return runs in lists: of one entry, with equal settings but different hyperparameters."""
    lists: dict[str, dict[str, Mapping[str, Any]]] = {}
    for run in plan:
        others = [part for part in trial_of(run["settings"]) if part[0] != HYPERPARAMETERS]
        equal = lists.setdefault(canonical([run["entry"], others]), {})
        equal.setdefault(canonical(run["settings"][HYPERPARAMETERS]), run)
    return [[*equal.values()] for equal in lists.values()]


def _network(settings: Mapping[str, Any], size: Size) -> str:
    """Return a digest of what an untrained model keeps; "" if that cannot be written down."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = models.build(settings, size.shape, size.classes)
    model.initialise(random_generator(0, "alike"))
    written = io.BytesIO()
    try:
        _Writer(written).dump(model)
    except Exception:  # whatever a model keeps, such as a function without a name
        return ""
    return hashlib.sha256(written.getvalue()).hexdigest()


class _Writer(pickle.Pickler):
    """Writes tensors by their values; by default each has a number of its own.

    What it writes is digested and never read.
    """

    def persistent_id(self, value: object) -> object:
        """Return a tensor's type, shape and digest; None for anything else."""
        if not isinstance(value, Tensor):
            return None
        content = value.detach().contiguous().numpy().tobytes()
        return str(value.dtype), tuple(value.shape), hashlib.sha256(content).hexdigest()


def _same_network(run: Mapping[str, Any], other: Mapping[str, Any]) -> UserError:
    own, others = run["settings"][HYPERPARAMETERS], other["settings"][HYPERPARAMETERS]
    changed = {name: value for name, value in own.items() if others[name] != value}
    return UserError(
        f"{run['name']}: {', '.join(changed)}: found "
        + "; ".join(f"{shown(others[name])} and {shown(value)}" for name, value in changed.items())
        + f", which make the same network as {other['name']}; allowed: one value, or an entry of "
        f"its own for the networks that it changes"
    )
