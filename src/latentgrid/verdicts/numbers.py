"""Sets every published number beside ours and gives it a verdict."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from latentgrid.evaluation.intervals import MIN_PAIRS, of_next, rank_correlation
from latentgrid.evaluation.tables import as_000_ran
from latentgrid.reference.facts import (
    ADAM,
    ADAM_000,
    AXES_000,
    NO_SCRIPT,
    NO_SETTINGS,
    ORIGINS,
    PRECISION,
    QUANTITIES,
)
from latentgrid.results.tables import joined, separated
from latentgrid.verdicts import rule
from latentgrid.verdicts.rule import Verdict

# The verdicts on numbers that no run of ours can decide, because the document lacks something.
OPEN = {NO_SCRIPT: Verdict.NO_REFERENCE_RUN, NO_SETTINGS: Verdict.UNDER_SPECIFIED}


def table(published: pd.DataFrame, runs: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Return a row per published number: the number, what our runs gave, and the verdict.

    `ours` is the mean over n seeds and `sd` their standard deviation. From `low` to `high`, the
    value of one more seed is expected (95 %, from three seeds on). `ratio` is ours ÷ published,
    `tolerance` how far ours may lie from the published number, `runs` the names of our runs
    (separated by ;), and `reason` gives the reason of the verdict in words. Under-specified numbers
    have no runs here: `regions` searches settings that give them.
    """
    return pd.DataFrame([_row(number, runs, dataset) for _, number in published.iterrows()])


def _row(number: pd.Series, runs: pd.DataFrame, dataset: str) -> dict[str, Any]:
    kept = ["document", "table", "dataset", "model", *AXES_000, "quantity", "unit"]
    row: dict[str, Any] = {**number[kept], "published": number["value"]}
    row["tolerance"] = rule.tolerance(number["quantity"], number["value"])
    ran = runs if dataset == number["dataset"] else runs.head(0)
    matching = _of_setting(number, as_000_ran(ran))
    alike = _trained_alike(number, matching)
    compared = _comparable(number, alike)
    ours = (
        list(compared[QUANTITIES[number["quantity"]].measured_as].astype(float))
        if len(compared)
        else []
    )
    row |= _summary(ours, number["value"]) | {"runs": joined(compared["run"])}
    if number["origin"] in OPEN:
        origin = number["origin"]
        return row | {"verdict": OPEN[origin], "reason": ORIGINS[origin].open_because}
    if not ours:
        reason = _why_not(number, matching, alike, dataset) + _plain_adam(number, ran)
        return row | {"verdict": Verdict.NOT_RUN, "reason": reason}
    return row | {
        "verdict": rule.decide(number["quantity"], number["value"], ours),
        "reason": _distance(ours, number["value"]) + _without_result(alike),
    }


def _measure(number: pd.Series) -> str:
    """Return the column of the table of runs that holds the published quantity."""
    return QUANTITIES[number["quantity"]].measured_as


def _of_setting(number: pd.Series, runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs of a number's model and setting, whatever their number of epochs."""
    if number["origin"] == NO_SETTINGS:
        return runs.head(0)
    columns = ["model", *AXES_000]
    return runs[(runs.reindex(columns=columns) == number[columns]).all(axis=1)]


def _trained_alike(number: pd.Series, matching: pd.DataFrame) -> pd.DataFrame:
    """Return the runs with the published number of epochs, batch size and precision."""
    return matching[
        (matching["planned_epochs"] == number["epochs"])
        & (matching["batch_size"] == number["batch_size"])
        & (matching["precision"] == PRECISION)
    ]


def _comparable(number: pd.Series, alike: pd.DataFrame) -> pd.DataFrame:
    """Return the finished runs in which the published quantity was measured, one per seed."""
    measure = _measure(number)
    if measure not in alike:
        return alike.head(0)
    measured = alike[(alike["status"] == "finished") & alike[measure].notna()]
    return measured.drop_duplicates("seed")


def _summary(ours: Sequence[float], published: float) -> dict[str, float]:
    expected = of_next(ours) if ours else None
    return {
        "n": len(ours),
        "ours": float(np.mean(ours)) if ours else np.nan,
        "sd": float(np.std(ours, ddof=1)) if len(ours) > 1 else np.nan,
        "low": expected.low if expected else np.nan,
        "high": expected.high if expected else np.nan,
        "ratio": float(np.mean(ours)) / published if ours else np.nan,
    }


def _why_not(number: pd.Series, matching: pd.DataFrame, alike: pd.DataFrame, dataset: str) -> str:
    if dataset != number["dataset"]:
        return f"measured on {number['dataset']}, these runs are on {dataset}"
    if matching.empty:
        return "not in this grid"
    if not alike.empty:
        lost = _without_result(alike)
        return lost.removeprefix("; ") or f"{_measure(number)} was not measured"
    first = matching.iloc[0]
    return (
        f"trained {first['planned_epochs']:.0f} epochs in batches of {first['batch_size']:.0f} "
        f"in {first['precision']}, "
        f"published {number['epochs']:.0f} epochs in batches of {number['batch_size']:.0f} "
        f"in {PRECISION}"
    )


def _plain_adam(number: pd.Series, runs: pd.DataFrame) -> str:
    """Return a note if there are runs of a number's setting with plain `adam`; else nothing."""
    if number["optimizer"] != ADAM or _of_setting(number, runs).empty:
        return ""
    return f"; runs with plain {ADAM} are not compared, as the source's is {ADAM_000} here"


def _without_result(alike: pd.DataFrame) -> str:
    """Say how many runs of the setting diverged or failed, if any did."""
    lost = alike.loc[alike["status"] != "finished", "status"].value_counts()
    return "".join(f"; {n} of {len(alike)} runs {status}" for status, n in lost.items())


def _distance(ours: Sequence[float], published: float) -> str:
    mean = float(np.mean(ours))
    away = f"{abs(mean / published - 1):.1%} {'above' if mean > published else 'below'} it"
    if rule.is_hint(len(ours)):
        return f"{away}; {seeds(len(ours))}, so no interval"
    deviation = float(np.std(ours, ddof=1))
    if deviation == 0:
        return f"{away}; our {seeds(len(ours))} agree to the last digit"
    deviations = abs(mean - published) / deviation
    return f"{away}, {deviations:.1f} standard deviations of our {seeds(len(ours))}"


def seeds(n: int) -> str:
    """Return "one seed" or "3 seeds"."""
    return "one seed" if n == 1 else f"{n} seeds"


def tally(verdicts: pd.DataFrame) -> dict[str, int]:
    """Return how many published numbers have each verdict, including verdicts that none has."""
    counts = verdicts["verdict"].value_counts()
    return {str(verdict): int(counts.get(verdict, 0)) for verdict in Verdict}


def rank_agreement(verdicts: pd.DataFrame) -> pd.DataFrame:
    """Return, for each published table, how well ours rank its settings in the same order.

    Columns: document, table, model, n (the number of settings with a run), runs (the names of all
    these runs), rho (Spearman's ρ in [−1, 1]) and its interval from low to high; the last three are
    empty for fewer than four settings.
    """
    rows = []
    for (document, name), of_table in verdicts.groupby(["document", "table"], sort=False):
        ran = of_table.dropna(subset=["ours"])
        row = {"document": document, "table": name, "model": ", ".join(of_table["model"].unique())}
        row |= {"n": len(ran), "runs": joined(chain.from_iterable(map(separated, ran["runs"])))}
        row |= {"rho": np.nan, "low": np.nan, "high": np.nan}
        if len(ran) >= MIN_PAIRS:
            rho, interval = rank_correlation(list(ran["published"]), list(ran["ours"]))
            row |= {"rho": rho, "low": interval.low, "high": interval.high}
        rows.append(row)
    return pd.DataFrame(rows)
