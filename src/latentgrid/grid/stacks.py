"""Stacks: runs of a plan that train as one computation (`training.fused`)."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from latentgrid.grid.runs import Run, canonical

# What runs of a stack may differ in.
OWN = ("optimizer", "learning_rate", "seed")
DIGITS = 12


def stacks(runs: Iterable[Run]) -> dict[str, list[str]]:
    """Return the names of the runs of each stack, by the stack's name.

    Runs that may share one fill stacks in the order of the plan, so that each call finds the same
    ones. Runs that train alone are in none.
    """
    alike: dict[str, list[Run]] = {}
    for run in runs:
        if run.fused > 1:
            alike.setdefault(canonical(_shared(run.settings)), []).append(run)
    parts = [
        group[start : start + group[0].fused]
        for group in alike.values()
        for start in range(0, len(group), group[0].fused)
    ]
    return {_name(part): [run.name for run in part] for part in parts}


def spare_places(width: int, found: Mapping[str, list[str]]) -> str:
    """Return a line that says how many places no stack fills, or "" if one fills all.

    Args:
        width: the places of a stack, `training.fused`.
        found: the runs of each stack.
    """
    most = max(map(len, found.values()), default=width)
    if most == width:
        return ""
    return (
        f"training.fused: a stack has {width} places and no more than {most} runs; the others are "
        f"filled with copies, which cost as much (docs/performance.md)"
    )


def _shared(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name not in OWN}


def _name(runs: list[Run]) -> str:
    digest = hashlib.sha256(canonical([run.name for run in runs]).encode()).hexdigest()
    return f"{runs[0].entry}-{digest[:DIGITS]}"
