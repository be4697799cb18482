"""The judging of what was published: verdicts on numbers and claims, from the table of runs."""

import importlib
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer

from latentgrid.errors import UserError
from latentgrid.evaluation.tables import (
    as_exact_as_published,
    joined,
    read_published,
    read_runs,
    write_table,
)
from latentgrid.files.layout import Layout
from latentgrid.grid import catalogue
from latentgrid.jobs.step import run_step
from latentgrid.results.trained import load_test_set
from latentgrid.verdicts import numbers, regions, rule
from latentgrid.verdicts.claims import Part
from latentgrid.verdicts.rule import Answer


def main(
    dataset: Annotated[str, typer.Option()],
    test_images: Annotated[int, typer.Option(help="silhouettes on the first so many test images")],
) -> None:
    """Write the verdicts of a data set."""
    layout = Layout(dataset)
    published = read_published()
    runs = read_runs(layout)
    verdicts = numbers.table(published, runs, dataset)
    test = load_test_set(layout.images).first(test_images)
    exact = as_exact_as_published(runs)
    scanned = regions.table(layout, published, exact, test)
    written = {
        "verdicts": verdicts,
        "claims": claims_table(exact[exact["status"] == "finished"]),
        "rank_agreement": numbers.rank_agreement(verdicts),
        "scanned": scanned,
        "regions": regions.summary(scanned),
    }
    for name, table in written.items():
        write_table(layout.tables / f"{name}.csv", table)
    print(f"published numbers: {_counted(verdicts['verdict'])}", flush=True)
    print(f"comparisons for claims: {_counted(written['claims']['answer'])}", flush=True)


def _counted(words: "pd.Series[str]") -> str:
    """Return how often each word occurs, the most frequent first: "3 reproduced, 2 not run"."""
    return ", ".join(f"{count} {word}" for word, count in words.value_counts().items())


def claims_table(runs: pd.DataFrame) -> pd.DataFrame:
    """Return a row per part of each claim, from the finished runs.

    Columns: name, claim, source, part, answer ("hint: …" for fewer than three seeds), effect (mean
    over the seeds, positive where the claim holds), unit, least (what the effect must exceed), low
    and high (95 %, missing for fewer than three seeds), n seeds, epochs (of the runs that were
    compared, in words), note and the names of these runs.
    """
    rows = []
    for name in catalogue.claims():
        claim = importlib.import_module(f"latentgrid.verdicts.claims.{name}")
        try:
            said = {"name": name, "claim": claim.CLAIM, "source": claim.SOURCE}
            rows += [said | _row(part) for part in claim.examine(runs)]
        except Exception as error:  # whatever a claim of the user's raises is said in one line
            raise UserError(
                f"src/latentgrid/verdicts/claims/{name}.py: {type(error).__name__}: {error}"
            ) from error
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
    """List how long the runs that take steps trained."""
    steps = runs[~runs["model"].map(catalogue.is_closed_form).astype(bool)]
    lengths = sorted(steps["planned_epochs"].dropna().astype(int).unique())
    return ", ".join(map(str, lengths))


if __name__ == "__main__":
    run_step(main)
