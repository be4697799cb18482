"""What there is to explore: data sets with results, their runs, and the runs that are loaded."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from pathlib import Path
from typing import Any

import latentgrid
from latentgrid import models
from latentgrid.api.abilities import able
from latentgrid.api.runs import Run
from latentgrid.errors import UserError, damaged
from latentgrid.files.atomic import read_json
from latentgrid.files.layout import Layout, made_data_sets
from latentgrid.files.run_files import RunFiles
from latentgrid.grid.runs import read_plan
from latentgrid.results.labels import plain
from latentgrid.results.progress import progress_of
from latentgrid.text import labelled

SECONDS_BETWEEN_LOOKS = 2.0
LOADED = 48  # runs at once in memory
DATA_SETS, OUTCOMES = 16, 100_000  # whose tables and states are remembered
DIMENSION = "latent_dim"  # always told
NO_MEASURES = {"seed", "planned_epochs", "batch_size", "epochs", "best_epoch", DIMENSION}


@dataclass(frozen=True)
class Shelved:
    """A planned run.

    Attributes:
        path: its folder.
        name: of the run, as in the tables.
        entry: its entry in the grid, such as `vae`.
        model: the name of its model.
        setting: what tells it from the other runs of its entry: "d = 2, adam".
        hyperparameters: of its model.
        state: `finished`, `diverged`, or why there is nothing to load.
        measures: those of `runs.csv`; empty as long as the workflow has not measured it.
    """

    path: str
    name: str
    entry: str
    model: str
    setting: str
    hyperparameters: Mapping[str, Any]
    state: str
    measures: Mapping[str, float]

    @property
    def has_ended(self) -> bool:
        """Whether there is something to load."""
        return self.state in {"finished", "diverged"}

    @property
    def label(self) -> str:
        """The run in a line: "vae: d = 2, adam"."""
        return f"{self.entry}: {self.setting}" if self.setting else self.entry


def data_sets() -> list[str]:
    """Return the names of the data sets of which a workflow has planned runs."""
    return [name for name in made_data_sets() if Layout(name).plan.is_file()]


def shelved(dataset: str) -> tuple[Shelved, ...]:
    """Return the planned runs of a data set, in the order of the plan, as of two seconds ago."""
    return _shelved(dataset, int(time.monotonic() / SECONDS_BETWEEN_LOOKS))


def open_run(path: str) -> Run:
    """Return a loaded run; the same one again as long as its files stay as they are.

    Raises:
        UserError: it cannot be loaded.
    """
    return _open(path, _modified(Path(path) / "outcome.json"))


def can(model: str) -> frozenset[str]:
    """Return what runs of a model can do, without loading one; nothing if the model is unknown."""
    try:
        return able(models.load(model))
    except UserError:
        return frozenset()


@lru_cache(maxsize=LOADED)
def _open(path: str, _changed: float) -> Run:
    return latentgrid.load(path)


@lru_cache(maxsize=DATA_SETS)
def _shelved(dataset: str, _now: int) -> tuple[Shelved, ...]:
    layout = Layout(dataset)
    planned = _planned(layout)
    measures = _measures(layout, _modified(layout.tables / "runs.csv"))
    shown = _told_apart_by(planned)
    return tuple(
        Shelved(
            path=str(layout.runs / run["name"]),
            name=run["name"],
            entry=run["entry"],
            model=run["settings"]["model"],
            setting=_setting(run, shown[run["entry"]]),
            hyperparameters=run["settings"]["hyperparameters"],
            state=_state(layout.run(run["name"]), run["settings"]["epochs"]),
            measures=measures.get(run["name"], {}),
        )
        for run in planned
    )


def require_plan(dataset: str) -> list[dict[str, Any]]:
    """Return the planned runs of a data set, as the workflow wrote them.

    Raises:
        UserError: the file is damaged.
    """
    plan = Layout(dataset).plan
    return _read_planned(plan, _modified(plan)) if plan.is_file() else []


def _planned(layout: Layout) -> list[dict[str, Any]]:
    """Return the planned runs of a data set; none where their file is damaged."""
    try:
        return require_plan(layout.dataset)
    except UserError:
        return []


@lru_cache(maxsize=DATA_SETS)
def _read_planned(plan: Path, _changed: float) -> list[dict[str, Any]]:
    try:
        runs = read_plan(plan)
        for run in runs:
            _ = run["name"] + run["entry"], run["axes"].items(), run["settings"]["hyperparameters"]
            _ = [run["settings"][name] for name in ("model", "epochs", "seed")]
    except (LookupError, TypeError, AttributeError) as error:
        raise damaged(plan, error) from None
    return runs


def _told_apart_by(planned: Sequence[Mapping[str, Any]]) -> dict[str, set[str]]:
    """Return the axes, and the word seed, on which the runs of each entry differ."""
    seen: dict[str, dict[str, set[str]]] = {}
    for run in planned:
        for axis, value in {**run["axes"], "seed": run["settings"]["seed"]}.items():
            seen.setdefault(run["entry"], {}).setdefault(axis, set()).add(str(value))
    return {
        entry: {axis for axis, values in axes.items() if len(values) > 1}
        for entry, axes in seen.items()
    }


def _setting(run: Mapping[str, Any], shown: set[str]) -> str:
    values = {**run["axes"], "seed": run["settings"]["seed"]}
    told = [labelled(axis, plain(v)) for axis, v in values.items() if axis in shown | {DIMENSION}]
    return ", ".join(told)


@lru_cache(maxsize=DATA_SETS)
def _measures(layout: Layout, _changed: float) -> dict[str, dict[str, float]]:
    """Return the measures of each run by its name; none where there is no table that fits."""
    try:
        table = latentgrid.runs(layout.results)
    except UserError:
        return {}
    settings = {axis for run in _planned(layout) for axis in run["axes"]}
    numbers = table[[name for name in table if name not in NO_MEASURES | settings]]
    numbers = numbers.select_dtypes("number")
    return {
        name: {str(measure): float(value) for measure, value in row.items() if isfinite(value)}
        for name, row in zip(table["run"], numbers.to_dict("records"), strict=True)
    }


def _state(files: RunFiles, epochs: int) -> str:
    if files.outcome.is_file():
        return _how_it_ended(files.outcome, _modified(files.outcome))
    done, trains = progress_of(files, epochs)
    if trains:
        return f"in training, {done} of {epochs} epochs done"
    if files.failure.is_file():
        return "failed"
    return f"interrupted after {done} of {epochs} epochs" if done > 0 else "not begun"


@lru_cache(maxsize=OUTCOMES)
def _how_it_ended(outcome: Path, _changed: float) -> str:
    try:
        return str(read_json(outcome)["status"])
    except (UserError, OSError, KeyError, TypeError):
        return "damaged"


def _modified(file: Path) -> float:
    """Return when a file last changed; 0 if it is not there."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
