"""Writes a configuration that asks for some runs of a plan, exactly as they are, and no others."""

from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from typing import Any

from ruamel.yaml import YAML

from latentgrid.grid import catalogue

Planned = Mapping[str, Any]
WIDTH = 100
SHARED = ("epochs", "batch_size", "precision", "validation")


def configuration_of(
    dataset: Any, planned: Sequence[Planned], plugins: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the content of a `params.yaml` that plans exactly these runs.

    Args:
        dataset: what `dataset:` says.
        planned: all runs of one or more entries of a plan.
        plugins: the plugin folders and files that the runs need.
    """
    settings = [run["settings"] for run in planned]
    return {
        "dataset": dataset,
        **({"plugins": [*plugins]} if plugins else {}),
        "seeds": _distinct(one["seed"] for one in settings),
        "training": _training(planned),
        "snapshots": {**settings[0]["snapshots"], "epochs": _snapshots(settings)},
        "models": {entry: _entry(entry, runs) for entry, runs in _by_entry(planned).items()},
    }


def as_yaml(content: Mapping[str, Any]) -> str:
    """Return a configuration as YAML 1.2, lists and the mappings of values in one line each."""
    writer = YAML(typ="safe", pure=True)
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # its own type is None
    writer.width = WIDTH
    text = StringIO()
    writer.dump(dict(content), text)
    return text.getvalue()


def _training(planned: Sequence[Planned]) -> dict[str, Any]:
    """Return what runs share whose entries have no value of their own."""
    shared: dict[str, Any] = {}
    for run in planned:
        for name in (name for name in SHARED if name in run["settings"]):
            is_own = name in run["axes"]
            # A model without training steps has one epoch, whatever the configuration says.
            is_fixed = name == "epochs" and catalogue.is_closed_form(run["settings"]["model"])
            if not is_own and not is_fixed:
                shared[name] = run["settings"][name]
    return shared


def _snapshots(settings: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return the epochs of the snapshots, without the last ones, which every run has."""
    between = {
        epoch for one in settings for epoch in one["snapshots"]["epochs"] if epoch < one["epochs"]
    }
    return sorted(between) or [max(one["epochs"] for one in settings)]


def _by_entry(planned: Sequence[Planned]) -> dict[str, list[Planned]]:
    entries: dict[str, list[Planned]] = {}
    for run in planned:
        entries.setdefault(run["entry"], []).append(run)
    return entries


def _entry(name: str, planned: Sequence[Planned]) -> dict[str, Any]:
    """Return an entry of `models:`; an axis of one value is that value."""
    model = planned[0]["settings"]["model"]
    values = {axis: _distinct(run["axes"][axis] for run in planned) for axis in planned[0]["axes"]}
    axes = {axis: found if len(found) > 1 else found[0] for axis, found in values.items()}
    return axes if model == name else {"model": model, **axes}


def _distinct(values: Iterable[Any]) -> list[Any]:
    """Return each value once; 1 and True are two, as they are to a configuration."""
    return list({(type(value), value): value for value in values}.values())
