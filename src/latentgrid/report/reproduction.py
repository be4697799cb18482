"""The report's answer to its first question: does what was published reproduce?"""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from latentgrid.files.layout import Layout
from latentgrid.reference.facts import AXES_000, QUANTITIES
from latentgrid.results.labels import setting_label
from latentgrid.results.tables import read_table
from latentgrid.text import number, signed
from latentgrid.verdicts import numbers
from latentgrid.verdicts.rule import Answer, Verdict

FINDINGS = 3
PERCENT = "%"
WORDS = {"document": str, "table": str, "note": str, "epochs": str}


@dataclass(frozen=True)
class Reproduction:
    """What the page of verdicts shows.

    Attributes:
        is_rehearsal: whether none of the published numbers was measured on this data set.
        tolerances: how near to a published number the mean of ours must lie, in words.
        tally: how many published numbers have each verdict.
        findings: the most important findings, three sentences at most.
        claims: each claim with the comparisons that answer it.
        tables: for each published table, its counts of verdicts and its rank agreement.
        numbers: every published number with its verdict.
        regions: the settings at which under-specified models reach their published numbers.
    """

    is_rehearsal: bool
    tolerances: str
    tally: dict[str, int]
    findings: list[str]
    claims: list[dict[str, Any]]
    tables: list[dict[str, Any]]
    numbers: list[dict[str, Any]]
    regions: list[dict[str, Any]]


def read_reproduction(layout: Layout) -> Reproduction:
    """Read the tables of verdicts of a data set and arrange them for the page."""
    verdicts, claims, agreement, _, regions = (
        read_table(path, WORDS) for path in layout.verdict_files
    )
    claims = claims.fillna(dict.fromkeys(WORDS.keys() & claims.columns, ""))
    return Reproduction(
        is_rehearsal=layout.dataset not in set(verdicts["dataset"]),
        tolerances=", ".join(of.tolerance_in_words for of in QUANTITIES.values()),
        tally=numbers.tally(verdicts),
        findings=[_numbers_finding(verdicts, agreement), *_claim_findings(claims)][:FINDINGS],
        claims=_claims(claims),
        tables=_tables(verdicts, agreement),
        numbers=[
            {**row, "setting": setting_label(row, AXES_000)} for _, row in verdicts.iterrows()
        ],
        regions=regions.to_dict("records"),
    )


def _numbers_finding(verdicts: pd.DataFrame, agreement: pd.DataFrame) -> str:
    tally = numbers.tally(verdicts)
    decided = tally[Verdict.REPRODUCED] + tally[Verdict.NOT_REPRODUCED]
    if not decided:
        return f"None of the {len(verdicts)} published numbers can be judged by these runs."
    ranked = agreement.dropna(subset=["rho"])
    order = "; ".join(
        f"{row['rho']:.2f} for table {row['table']} (95 %: {row['low']:.2f} to {row['high']:.2f})"
        for _, row in ranked.iterrows()
    )
    said = f"{tally[Verdict.REPRODUCED]} of the {decided} published numbers that these runs can \
judge reproduce"
    return f"{said}; rank correlation with ours: {order}." if order else f"{said}."


def _claim_findings(claims: pd.DataFrame) -> list[str]:
    """Return a sentence on each claim; claims with the most contradicted parts come first."""
    ran = claims[claims["n"] > 0]
    shares = ran["answer"].str.endswith(Answer.CONTRADICTED).groupby(ran["name"]).mean()
    ordered = shares.sort_values(ascending=False, kind="stable").index
    return [_finding(ran[ran["name"] == name]) for name in ordered]


def _finding(parts: pd.DataFrame) -> str:
    """Say how many parts of a claim have each answer, and which effect is the largest."""
    counts = parts["answer"].value_counts()
    said = ", ".join(f"{answer} in {n} of {len(parts)}" for answer, n in counts.items())
    largest = parts.loc[(parts["effect"] - parts["least"]).abs().idxmax()]
    return (
        f"«{largest['claim']}» ({largest['source']}) {said} "
        f"{'comparison' if len(parts) == 1 else 'comparisons'}; the largest effect: "
        f"{largest['part']}, {effect(largest)}."
    )


def effect(row: pd.Series) -> str:
    """Return an effect with its interval, unit and number of seeds: "0.035 (0.028 to 0.042) …"."""
    shown = _percent if row["unit"].startswith(PERCENT) else _score
    interval = f" ({shown(row['low'])} to {shown(row['high'])})" if pd.notna(row["low"]) else ""
    return f"{shown(row['effect'])}{interval} {row['unit']}, {numbers.seeds(int(row['n']))}"


def _percent(value: float) -> str:
    return signed(value, 1)


def _score(value: float) -> str:
    return signed(value, 3)


def _claims(claims: pd.DataFrame) -> list[dict[str, Any]]:
    """Return each claim with its parts that were run; claims without any come last."""
    found = [
        {
            "claim": of_claim.iloc[0]["claim"],
            "source": of_claim.iloc[0]["source"],
            "parts": [
                {**row, "effect": effect(row)} for _, row in of_claim[of_claim["n"] > 0].iterrows()
            ],
        }
        for _, of_claim in claims.groupby("name", sort=False)
    ]
    return sorted(found, key=lambda claim: not claim["parts"])


def _tables(verdicts: pd.DataFrame, agreement: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            **row,
            "published": len(of_table := verdicts[verdicts["table"] == row["table"]]),
            "tally": numbers.tally(of_table),
            "order": _order(row),
        }
        for _, row in agreement.iterrows()
    ]


def _order(row: pd.Series) -> str:
    if pd.isna(row["rho"]):
        return "–"
    return f"{number(round(row['rho'], 2))} ({signed(row['low'], 2)} to {signed(row['high'], 2)})"
