"""Makes the runs of `params.yaml`. A run's entry, axis values and seed alone decide its name."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latentgrid.files.atomic import read_json
from latentgrid.grid import catalogue
from latentgrid.grid.schema import Params, combinations, run_name

# The setting of a run that trains in a stack: how many places the stack has.
FUSED = "fused"


@dataclass(frozen=True)
class Run:
    """One training: an entry of `models:`, one value on each of its axes, and a seed."""

    entry: str
    model: str
    axes: Mapping[str, Any]
    seed: int
    epochs: int
    batch_size: int
    precision: str
    validation: float
    snapshots: Mapping[str, Any]
    fused: int = 1

    @property
    def name(self) -> str:
        """The run's folder below `runs/`: its entry, its value on each axis, and its seed."""
        return run_name(self.entry, self.axes, self.seed)

    @property
    def settings(self) -> dict[str, Any]:
        """Everything that the result depends on, and nothing else; options only where set."""
        own = catalogue.model_hyperparameters(self.model)
        known = catalogue.options(self.model)
        options = {k: v for k, v in self.axes.items() if k in known}
        options["validation"] = self.validation
        return {
            "model": self.model,
            "hyperparameters": {k: v for k, v in self.axes.items() if k in own},
            "optimizer": self.axes.get("optimizer"),
            "learning_rate": self.axes.get("learning_rate"),
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "precision": self.precision,
            **{name: value for name, value in options.items() if value},
            **({FUSED: self.fused} if self.fused > 1 else {}),
            "snapshots": dict(self.snapshots),
            "seed": self.seed,
        }


def planned_runs(params: Params) -> list[Run]:
    """Return every run of the configuration in the order of the file; seeds change fastest."""
    return [
        _run(params, entry, grid.model, axes, seed)
        for entry, grid in params.models.items()
        for axes in combinations(grid.axes)
        for seed in params.seeds
    ]


def _run(params: Params, entry: str, model: str, axes: Mapping[str, Any], seed: int) -> Run:
    once = catalogue.is_closed_form(model)
    epochs = 1 if once else axes.get("epochs", params.training.epochs)
    return Run(
        entry=entry,
        model=model,
        axes=axes,
        seed=seed,
        epochs=epochs,
        batch_size=axes.get("batch_size", params.training.batch_size),
        precision=axes.get("precision", params.training.precision),
        validation=axes.get("validation", params.training.validation),
        fused=1 if once else params.training.fused,
        snapshots={
            "epochs": sorted({e for e in params.snapshots.epochs if e < epochs} | {epochs}),
            "samples": params.snapshots.samples,
            "manifold": params.snapshots.manifold,
        },
    )


def trainer_of(settings: Mapping[str, Any]) -> str:
    """Return the module that trains a run."""
    return "latentgrid.training.stacked" if FUSED in settings else "latentgrid.training.run"


def trained_by(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the modules whose code trains a run."""
    return trainer_of(settings), *catalogue.modules_of(settings)


def canonical(value: Any) -> str:
    """Return `value` as JSON with sorted keys: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def trial_of(settings: Mapping[str, Any]) -> list[Any]:
    """Return the settings on which a trial of the run's network depends."""
    others = ("optimizer", "learning_rate", "snapshots", "seed")
    return [[key, value] for key, value in settings.items() if key not in others]


def plan_of(params: Params) -> list[dict[str, Any]]:
    """Return the runs as plain data, for the steps that read all of them."""
    return [
        {"name": run.name, "entry": run.entry, "axes": dict(run.axes), "settings": run.settings}
        for run in planned_runs(params)
    ]


def read_plan(path: Path) -> list[dict[str, Any]]:
    """Read the plan that the workflow wrote."""
    runs_of_plan: list[dict[str, Any]] = read_json(path)
    return runs_of_plan
