"""Answers all claims from the table of runs."""

import importlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from latentgrid.errors import UserError, one_line
from latentgrid.grid import catalogue, components, plugins
from latentgrid.grid.blame import place_of
from latentgrid.grid.study_folders import STUDY
from latentgrid.results.tables import joined
from latentgrid.studies.study import Study
from latentgrid.verdicts import comparisons, rule
from latentgrid.verdicts.claims import Part
from latentgrid.verdicts.rule import Answer, Effect

PRECISION = "float32"  # of the runs that claims of no study compare
COLUMNS = [
    *("study", "name", "claim", "source", "part", "unit", "least", "n", "note", "epochs", "runs"),
    *("answer", "effect", "low", "high", "reach"),
]


def claims_table(studies: Sequence[Study], runs: pd.DataFrame) -> pd.DataFrame:
    """Return a row per part of each claim of the studies and of plugins, from the finished runs.

    Columns: study (empty for a plugin's claim), name, claim, source, part, answer ("hint: …" for
    fewer than three seeds), effect (mean over the seeds, positive where the claim holds), unit,
    least (what the effect must exceed), low and high (its 95 % interval, empty for fewer than three
    seeds), reach (half the interval's width: an effect that differs by less from `least` would be
    undecided), n (the number of seeds), epochs (of the compared runs, in words), note, and runs
    (the names of the compared runs).
    """
    rows = [row for study in studies for row in _of_study(study, _fixed(study, runs))]
    exact = runs[runs["precision"] == PRECISION]
    rows += [row for name in _of_plugins() for row in _of_file("", name, exact)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _fixed(study: Study, runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs with the precision and the seeds that the study fixed before any run."""
    fits = (runs["precision"] == study.facts.precision) & runs["seed"].isin(study.facts.seeds)
    return runs[fits]


def _of_study(study: Study, runs: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for name, claim in study.facts.claims.items():
        said = {"study": study.name, "name": name, "claim": claim.says}
        said |= {"source": f"{study.name}, {claim.place}"}
        if claim.open:
            nothing = Effect([], "")
            yield said | _row(Part("", nothing, runs.head(0), open=claim.open))
        for part in comparisons.examine(study, claim, runs):
            yield said | _row(part)
    for name in _files_of(study):
        yield from _of_file(study.name, name, runs)


def _files_of(study: Study) -> list[str]:
    """Return the names of the claims that are files of a study."""
    folder = study.folder.absolute() / "claims"
    return [
        name for name in catalogue.claims() if components.file_of("claims", name).parent == folder
    ]


def _of_plugins() -> list[str]:
    """Return the names of the claims that are files of no study."""
    return [
        name
        for name in catalogue.claims()
        if not (components.file_of("claims", name).parents[1] / STUDY).is_file()
    ]


def _of_file(study: str, name: str, runs: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the rows of a claim that is a file."""
    claim = importlib.import_module(components.module_of("claims", name))
    source = ", ".join(filter(None, (study, claim.SOURCE)))
    said = {"study": study, "name": name, "claim": claim.CLAIM, "source": source}
    file = components.file_of("claims", name)
    try:
        parts = list(claim.examine(runs))
        for part in parts:
            _require_an_effect_a_seed(part)
        yield from [said | _row(part) for part in parts]
    except UserError as error:
        raise UserError(f"{plugins.shown(file)}: {error}") from error
    except Exception as error:  # whatever a claim of the user's raises is said in one line
        reason = f"{type(error).__name__}: {one_line(error)}"
        raise UserError(f"{place_of(file, error)}: {reason}") from error


def _require_an_effect_a_seed(part: object) -> None:
    """Refuse effects that are not one a seed: their interval would be too narrow."""
    if not isinstance(part, Part):
        raise UserError(f"examine() yields {type(part).__name__}; allowed: Part")
    values, seeds = part.effect.values, part.used["seed"].nunique()
    if len(values) > seeds:
        raise UserError(
            f"{part.subject}: has {len(values)} effects of runs with {seeds} seeds; allowed: one a "
            f"seed, as the `gained` of `paired` are"
        )
    if not np.isfinite(values).all():
        raise UserError(f"{part.subject}: has an effect that is no finite number; leave it out")


def _row(part: Part) -> dict[str, Any]:
    row: dict[str, Any] = {"part": part.subject, "unit": part.effect.unit, "least": part.least}
    row |= {"n": len(part.effect.values), "note": part.note, "epochs": _epochs(part.used)}
    row |= {"runs": joined(part.used["run"])}
    if not part.effect.values:
        nothing = dict.fromkeys(("effect", "low", "high", "reach"), np.nan)
        if part.open:
            return row | nothing | {"note": part.open, "answer": Answer.OUT_OF_REACH}
        return row | nothing | {"epochs": "", "runs": "", "answer": Answer.NOT_RUN}
    if "," in row["epochs"]:
        row["note"] = "; ".join(filter(None, (part.note, "trained for different lengths")))
    interval = part.effect.interval
    answer = rule.answer(part.effect, part.least)
    return row | {
        "answer": answer if interval else f"hint: {answer}",
        "effect": part.effect.mean,
        "low": interval.low if interval else np.nan,
        "high": interval.high if interval else np.nan,
        "reach": (interval.high - interval.low) / 2 if interval else np.nan,
    }


def _epochs(runs: pd.DataFrame) -> str:
    """List the numbers of epochs of those runs that take training steps."""
    steps = runs[~runs["model"].map(catalogue.is_closed_form).astype(bool)]
    lengths = sorted(steps["planned_epochs"].dropna().astype(int).unique())
    return ", ".join(map(str, lengths))
