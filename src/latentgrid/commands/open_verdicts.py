"""Orders missing runs by how many open verdicts each closes in an hour.

A verdict on a published number, or the answer to a comparison, is open until all the seeds are
there that its study fixed. No result is looked at, so that what is trained next does not depend on
what came out so far.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from latentgrid.files.atomic import read_json
from latentgrid.files.layout import Layout
from latentgrid.files.run_files import RunFiles
from latentgrid.grid.runs import FUSED, Run, canonical
from latentgrid.studies.collection import read_records
from latentgrid.studies.numbers import Number
from latentgrid.studies.records import Settings
from latentgrid.studies.schema import Comparison
from latentgrid.studies.served import may_serve_claim_files, obtained_with, stands_on
from latentgrid.studies.study import Study
from latentgrid.text import duration, number, short_setting

SECONDS_PER_HOUR = 3600
TIGHT = (0, 1, 0, 0)  # spaces around a cell, so that a row fits into 80 letters


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
    """Return the runs in order, with the time that has passed when each is done.

    Runs that follow one another and differ in nothing but their seeds share a row.
    """
    table = Table("runs", box=SIMPLE_HEAD, padding=TIGHT)
    for heading in ("training\neach", "serves", "closes", "closes\nan hour", "done\nafter"):
        table.add_column(heading, justify="right", no_wrap=True)
    passed = 0.0
    for _, alike in groupby(steps, key=_but_for_the_seed):
        runs = list(alike)
        step = runs[0]
        passed += sum(run.seconds for run in runs)
        closes = _rounded(sum(run.closes for run in runs))
        cells = duration(step.seconds), str(step.serves), closes, _rounded(step.per_hour)
        table.add_row(_named(runs), *cells, duration(passed))
    return table


def _rounded(value: float) -> str:
    """Return two significant digits, as estimates have no more."""
    return number(float(f"{value:.2g}"))


def _but_for_the_seed(step: Step) -> tuple[str, float, int]:
    setting, _, _ = step.run.rpartition("/")
    return setting, step.per_hour, step.serves


def _named(runs: Sequence[Step]) -> str:
    """Name runs that differ in their seeds: "vae, d = 2, adam, lr 0.0001; seeds 0, 1, 2"."""
    entry, *settings = runs[0].run.rpartition("/")[0].split("/")
    setting = ", ".join(short_setting(part.replace(",", ", ")) for part in settings)
    seeds = ", ".join(run.run.rpartition("seed=")[2] for run in runs)
    said = ", ".join(filter(None, (entry, setting)))
    return f"{said}; seed{'s' if len(runs) > 1 else ''} {seeds}"


def summary(verdicts: Sequence[Open]) -> str:
    """Say how many verdicts are open, and how many of them the plan can close."""
    closed = sum(len(one.missing) >= one.needed for one in verdicts)
    waiting = "1 verdict waits" if len(verdicts) == 1 else f"{len(verdicts)} verdicts wait"
    return (
        f"{waiting} for these runs, which close {closed} of them, "
        f"with as many seeds as each study fixed; one core or GPU slot, one run after another."
    )


def show_open(
    console: Console,
    layout: Layout,
    studies: Iterable[Study],
    runs: Sequence[Run],
    seconds: Mapping[str, float],
) -> None:
    """Print the missing runs of a plan in order; `seconds` has what each takes, by name.

    A run is missing if neither its result nor a record of it is there.

    Raises:
        UserError: a record cannot count; the text names its file.
    """
    of_set = [study for study in studies if study.facts.dataset == layout.dataset]
    missing, done = missing_runs(layout, of_set, runs)
    verdicts = open_verdicts(of_set, missing, done)
    steps = in_order(verdicts, {name: seconds[name] for name in missing})
    if steps:
        console.print(as_table(steps))
    console.print(summary(verdicts), highlight=False)
    listed = {step.run for step in steps}
    others = [of for name, of in missing.items() if name not in listed]
    for study in of_set:
        console.print(*for_claim_files(study, others), sep="", end="", highlight=False)


def for_claim_files(study: Study, missing: Iterable[Settings]) -> Iterator[str]:
    """Yield a line on the missing runs that may serve claims which are files; nothing without any.

    Such claims do not declare which runs they compare.
    """
    found = may_serve_claim_files(study, missing)
    if found:
        runs = "1 more missing run" if len(found) == 1 else f"{len(found)} more missing runs"
        models = ", ".join(sorted({of.model for of in found}))
        yield (
            f"{runs} of the grid of {study.name} may serve its claims that are files of Python, "
            f"which do not declare what they compare: {models}.\n"
        )


def missing_runs(
    layout: Layout, studies: Iterable[Study], runs: Sequence[Run]
) -> tuple[dict[str, Settings], list[Settings]]:
    """Return the settings of the runs that are missing, by name, and of those that are there.

    A run is missing if neither its result nor a record of it is there; what was trained under its
    name with other settings is no result of it. What several entries of the grid ask for is missing
    once, by the name of the first.

    Raises:
        UserError: a record cannot count; the text names its file.
    """
    planned = {run.name: Settings.model_validate(run.settings) for run in runs}
    done = [record.run.settings for study in studies for record in read_records(study)]
    done += [planned[run.name] for run in runs if _has_result(layout.run(run.name), run)]
    there = {_told_apart_by(of) for of in done}
    wanted: dict[str, str] = {}
    for name, of in planned.items():
        wanted.setdefault(_told_apart_by(of), name)
    return {name: planned[name] for of, name in wanted.items() if of not in there}, done


def _has_result(files: RunFiles, run: Run) -> bool:
    """Tell whether a run has ended that had these settings."""
    if not (files.outcome.is_file() and files.config.is_file()):
        return False
    trained = Settings.model_validate(read_json(files.config, "settings")["settings"])
    return _told_apart_by(trained) == _told_apart_by(Settings.model_validate(run.settings))


def _told_apart_by(settings: Settings) -> str:
    """Return what serves a study in one run as in another: all but the snapshots and the stack."""
    return canonical({name: v for name, v in settings.identity.items() if name != FUSED})


def _of_study(
    study: Study, missing: Mapping[str, Settings], done: Collection[Settings]
) -> Iterator[Open]:
    for one in study.numbers:
        is_open = study.facts.tables[one.table].open is None and one.ours is not None
        if is_open and study.quantity(one).measure is not None:
            about = f"{study.name}, table {one.table}: {one.model}, {one.setting}"
            yield _open(study, about, partial(_gives, study, one), missing, done)
    for name, claim in study.facts.claims.items():
        for comparison in claim.comparisons:
            about = f"{study.name}, {name}: {comparison.described}"
            yield from _of_comparison(study, about, comparison, missing, done)


def _gives(study: Study, number: Number, settings: Settings) -> bool:
    """Tell whether a run with these settings counts for a number."""
    same = settings.model == number.ours and settings.precision == study.facts.precision
    return same and obtained_with(study, number, settings)


def _open(
    study: Study,
    about: str,
    serves: Callable[[Settings], bool],
    missing: Mapping[str, Settings],
    done: Collection[Settings],
) -> Open:
    """Return a verdict that needs a run with each of the seeds that the study fixed."""
    have = {of.seed for of in done if serves(of)}
    needed = set(study.facts.seeds) - have
    waiting = {name for name, of in missing.items() if of.seed in needed and serves(of)}
    return Open(about, frozenset(waiting), max(len(needed), 1))


def _of_comparison(
    study: Study,
    about: str,
    comparison: Comparison,
    missing: Mapping[str, Settings],
    done: Collection[Settings],
) -> Iterator[Open]:
    """Yield the open answer to a comparison, which waits for all missing runs of its two sides.

    If a side has no run and none that is missing, the plan cannot answer it, and nothing is open.
    """
    rival = {} if isinstance(comparison.rival, str) else comparison.rival
    waiting: set[str] = set()
    for side in (comparison.side, rival):
        serves = partial(stands_on, study, comparison, side)
        seeds = study.facts.seeds
        names = {name for name, of in missing.items() if of.seed in seeds and serves(of)}
        if not names and not any(serves(of) for of in done):
            return
        waiting |= names
    yield Open(about, frozenset(waiting), max(len(waiting), 1))
