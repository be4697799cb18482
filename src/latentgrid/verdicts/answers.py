"""Answers all claims from the table of runs."""

import importlib
from typing import Any

import numpy as np
import pandas as pd

from latentgrid.errors import UserError
from latentgrid.grid import catalogue, components, plugins
from latentgrid.results.tables import joined
from latentgrid.verdicts import rule
from latentgrid.verdicts.claims import Part
from latentgrid.verdicts.rule import Answer


def claims_table(runs: pd.DataFrame) -> pd.DataFrame:
    """Return a row per part of each claim, from the finished runs.

    Columns: name, claim, source, part, answer ("hint: …" for fewer than three seeds), effect (mean
    over the seeds, positive where the claim holds), unit, least (what the effect must exceed), low
    and high (its 95 % interval, empty for fewer than three seeds), n (the number of seeds), epochs
    (of the compared runs, in words), note, and runs (the names of the compared runs).
    """
    rows = []
    for name in catalogue.claims():
        claim = importlib.import_module(components.module_of("claims", name))
        try:
            said = {"name": name, "claim": claim.CLAIM, "source": claim.SOURCE}
            rows += [said | _row(part) for part in claim.examine(runs)]
        except Exception as error:  # whatever a claim of the user's raises is said in one line
            file = plugins.shown(components.file_of("claims", name))
            raise UserError(f"{file}: {type(error).__name__}: {error}") from error
    return pd.DataFrame(rows)


def _row(part: Part) -> dict[str, Any]:
    row: dict[str, Any] = {"part": part.subject, "unit": part.effect.unit, "least": part.least}
    row |= {"n": len(part.effect.values), "note": part.note, "epochs": _epochs(part.used)}
    row |= {"runs": joined(part.used["run"])}
    if "," in row["epochs"]:
        row["note"] = "; ".join(filter(None, (part.note, "trained for different lengths")))
    if not part.effect.values:
        nothing = {"effect": np.nan, "low": np.nan, "high": np.nan, "epochs": "", "note": ""}
        nothing |= {"runs": ""}
        return row | nothing | {"answer": Answer.NOT_RUN}
    interval = part.effect.interval
    answer = rule.answer(part.effect, part.least)
    return row | {
        "answer": answer if interval else f"hint: {answer}",
        "effect": part.effect.mean,
        "low": interval.low if interval else np.nan,
        "high": interval.high if interval else np.nan,
    }


def _epochs(runs: pd.DataFrame) -> str:
    """List the numbers of epochs of those runs that take training steps."""
    steps = runs[~runs["model"].map(catalogue.is_closed_form).astype(bool)]
    lengths = sorted(steps["planned_epochs"].dropna().astype(int).unique())
    return ", ".join(map(str, lengths))
