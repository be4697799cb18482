"""Lists what studies claim, each with its answer or with what an answer would take."""

from collections.abc import Iterable, Iterator, Mapping

import pandas as pd

from latentgrid.commands.audit import wrapped
from latentgrid.commands.open_verdicts import missing_runs, open_verdicts
from latentgrid.commands.verdicts import answers_of
from latentgrid.files.layout import Layout
from latentgrid.grid import reading
from latentgrid.grid.runs import planned_runs
from latentgrid.grid.study_folders import GRID
from latentgrid.report.reproduction import effect
from latentgrid.studies.study import Study
from latentgrid.verdicts.evidence import Evidence
from latentgrid.verdicts.rule import Answer

Missing = Mapping[tuple[str, str], int]


def lines(
    study: Study, of_sets: Mapping[str, Evidence], missing: Missing, width: int
) -> Iterator[str]:
    """Yield a study's claims in lines of so many letters, each with its parts below it.

    A part is a comparison. It has its answer and effect, or the reason why no run can answer it, or
    what is missing: how many runs of the study's grid are still to be trained.

    Args:
        study: whose claims are listed.
        of_sets: what answers stand on, by data set (`verdicts.gathered`).
        missing: how many runs each comparison waits for (`missing_by_part`).
        width: how many letters fit into a line.

    Raises:
        UserError: a record of the study cannot count.
    """
    yield from wrapped(f"{study.name}: {study.citation}", 0, width)
    if not study.has_claims:
        yield from wrapped("It declares no claim.", 1, width)
        return
    answers = answers_of(study, of_sets[str(study.facts.dataset)])
    own = answers[answers["study"] == study.name]
    for name, parts in own.groupby("name", sort=False):
        first = parts.iloc[0]
        yield ""
        yield from wrapped(f"{name}: «{first['claim']}» ({first['source']})", 1, width)
        for _, part in parts.iterrows():
            said = ": ".join(filter(None, (part["part"], _outcome(study, part, missing))))
            yield from wrapped(f"{part['answer']}: {said}", 2, width)


def missing_by_part(study: Study, beside: Iterable[Study]) -> dict[tuple[str, str], int]:
    """Return how many runs of its own grid a comparison waits for, by claim and comparison.

    Comparisons that are answered, or that no run of the grid serves, are left out. None waits for a
    run of which it or one of the studies `beside` it has a record. The grid chooses its own
    plugins, which stay chosen.

    Raises:
        UserError: a record of the study cannot count, or its grid cannot be read.
    """
    grid = study.folder / GRID
    if not grid.is_file():
        return {}
    params = reading.load([grid])
    of_set = [one for one in beside if one.facts.dataset == params.dataset]
    missing, done = missing_runs(Layout(params.dataset), of_set, planned_runs(params))
    waiting = {one.about: len(one.missing) for one in open_verdicts([study], missing, done)}
    return {
        (name, one.described): waiting[about]
        for name, claim in study.facts.claims.items()
        for one in claim.comparisons
        if (about := f"{study.name}, {name}: {one.described}") in waiting
    }


def _outcome(study: Study, part: pd.Series, missing: Missing) -> str:
    """Say what came out, or why nothing did and what it would take."""
    waits = missing.get((part["name"], part["part"]))
    grid = study.folder / GRID
    takes = f"{waits} runs of {grid} are missing" if waits else ""
    if part["n"] > 0:
        return "; ".join(filter(None, (effect(part), part["note"], takes)))
    if part["answer"] == Answer.OUT_OF_REACH:
        return str(part["note"])
    if not takes:
        takes = f"needs runs of {grid}" if grid.is_file() else "no grid of its study trains it"
    return "; ".join(filter(None, (part["note"], takes)))
