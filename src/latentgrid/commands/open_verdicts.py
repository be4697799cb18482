"""Orders missing runs by how many open verdicts each closes in an hour.

A verdict on a published number, or the answer to a comparison, is open until all the seeds are
there that its study fixed. No result is looked at, so that what is trained next does not depend on
what came out so far.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from latentgrid.grid import catalogue
from latentgrid.results.run_json import flat
from latentgrid.studies.schema import Comparison
from latentgrid.studies.study import Study
from latentgrid.text import duration, number

SECONDS_PER_HOUR = 3600
Settings = Mapping[str, Any]  # of a run, as in the plan


@dataclass(frozen=True)
class Open:
    """A verdict that runs of some settings close.

    Attributes:
        about: the number or the comparison, in words.
        missing: the names of the missing runs that it waits for.
        needed: how many of these close it; more than there are if the plan cannot close it.
    """

    about: str
    missing: frozenset[str]
    needed: int


@dataclass(frozen=True)
class Step:
    """A missing run: its name, the seconds it takes, and what share of open verdicts it closes."""

    run: str
    seconds: float
    closes: float
    serves: int

    @property
    def per_hour(self) -> float:
        """How many open verdicts it closes in an hour."""
        return self.closes * SECONDS_PER_HOUR / self.seconds


def open_verdicts(
    studies: Iterable[Study], missing: Mapping[str, Settings], done: Collection[Settings]
) -> list[Open]:
    """Return the verdicts that are open and that some of the missing runs serve.

    Args:
        studies: those on the data set of the runs.
        missing: the settings of each run that has no result yet, by name.
        done: the settings of the runs and records that have one.
    """
    found = [one for study in studies for one in _of_study(study, missing, done)]
    return [one for one in found if one.missing]


def in_order(verdicts: Sequence[Open], seconds: Mapping[str, float]) -> list[Step]:
    """Return the missing runs that serve a verdict, those first that close most in an hour.

    A run of n that a verdict still needs closes 1/n of it.
    """
    steps = []
    for run, cost in seconds.items():
        served = [one for one in verdicts if run in one.missing]
        if served:
            steps.append(Step(run, cost, sum(1 / one.needed for one in served), len(served)))
    return sorted(steps, key=lambda step: (-step.per_hour, step.run))


def as_table(steps: Sequence[Step]) -> Table:
    """Return the runs in order, with the time that has passed when each is done."""
    table = Table("run", box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("training", "serves", "closes", "closes an hour", "done after"):
        table.add_column(heading, justify="right", no_wrap=True)
    passed = 0.0
    for step in steps:
        passed += step.seconds
        cells = duration(step.seconds), str(step.serves), number(step.closes)
        table.add_row(step.run, *cells, number(step.per_hour), duration(passed))
    return table


def summary(verdicts: Sequence[Open]) -> str:
    """Say how many verdicts are open, and how many of them the plan can close."""
    closed = sum(len(one.missing) >= one.needed for one in verdicts)
    return (
        f"{len(verdicts)} verdicts wait for these runs, which close {closed} of them, "
        f"with as many seeds as each study fixed; one core or GPU slot, one run after another."
    )


def _of_study(
    study: Study, missing: Mapping[str, Settings], done: Collection[Settings]
) -> Iterator[Open]:
    for one in study.numbers:
        decided = study.facts.tables[one.table].open is None and one.ours is not None
        if decided and study.quantity(one).measure is not None:
            wanted = {"model": one.ours, **one.settings}
            about = f"{study.name}, table {one.table}: {one.model}, {one.setting}"
            yield _open(study, about, lambda of, wanted=wanted: _has(of, wanted), missing, done)
    for name, claim in study.facts.claims.items():
        for comparison in claim.comparisons:
            about = f"{study.name}, {name}: {comparison.says}"
            yield from _of_comparison(study, about, comparison, missing, done)


def _open(
    study: Study,
    about: str,
    serves: Callable[[Settings], bool],
    missing: Mapping[str, Settings],
    done: Collection[Settings],
) -> Open:
    """Return a verdict that needs a run with each of the seeds that the study fixed."""
    seeds = set(study.facts.seeds)
    have = {of["seed"] for of in done if of["seed"] in seeds and serves(of)}
    waiting = {name for name, of in missing.items() if of["seed"] in seeds - have and serves(of)}
    return Open(about, frozenset(waiting), max(len(seeds - have), 1))


def _of_comparison(
    study: Study,
    about: str,
    comparison: Comparison,
    missing: Mapping[str, Settings],
    done: Collection[Settings],
) -> Iterator[Open]:
    """Yield one open verdict for a comparison, whose two sides each need all the seeds.

    A side that has no run and no missing run leaves it as it is: nothing in the plan answers it.
    """
    sides = [_side(study, comparison, settings) for settings in _settings_of(comparison)]
    parts = [_open(study, about, side, missing, done) for side in sides]
    ran = [any(side(of) for of in done) for side in sides]
    if all(part.missing or has for part, has in zip(parts, ran, strict=True)):
        waiting = frozenset().union(*(part.missing for part in parts))
        yield Open(about, waiting, max(len(waiting), 1))


def _settings_of(comparison: Comparison) -> list[Mapping[str, Any]]:
    rival = {} if isinstance(comparison.rival, str) else comparison.rival
    return [{**comparison.among, **side} for side in (comparison.side, rival)]


def _side(
    study: Study, comparison: Comparison, settings: Mapping[str, Any]
) -> Callable[[Settings], bool]:
    wanted = {
        axis: [study.ours(axis, one) for one in (value if isinstance(value, list) else [value])]
        for axis, value in settings.items()
    }
    return lambda of: _has(of, wanted)


def _has(of: Settings, wanted: Mapping[str, Any]) -> bool:
    """Tell whether a run has these values, or one of a list of values, of its hyperparameters."""
    defaults = catalogue.model_hyperparameters(of["model"])
    had = {name: default for name, (_, default) in defaults.items()} | flat(of)
    return all(
        had.get(axis) in (value if isinstance(value, list) else [value])
        for axis, value in wanted.items()
    )
