"""The report's answer to its first question: does what was published reproduce?"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pandas as pd

from latentgrid.files.layout import Layout
from latentgrid.results.tables import read_table, separated
from latentgrid.studies.records import PREFIX
from latentgrid.studies.schema import Excess
from latentgrid.studies.study import Study
from latentgrid.text import beside, number, signed
from latentgrid.verdicts import numbers
from latentgrid.verdicts.rule import Answer, Verdict

FINDINGS = 3
NAMED = 4  # models of a table by name
PERCENT = "%"
WORDS = dict.fromkeys(
    (
        *("study", "table", "model", "setting", "quantity", "unit"),  # of numbers
        *("claim", "source", "part", "note", "epochs"),
    ),
    str,
)


@dataclass(frozen=True)
class Reproduction:
    """What the page of verdicts shows.

    Attributes:
        studies: the citations of the studies that are judged here, by name.
        cited: how a text names each study, by its name.
        records: how many records of trainings count for numbers or claims.
        left_out: the names of the other studies, by the data set that they were measured on.
        tolerances: how near to a published number the mean of ours must lie, in words.
        excesses: which part of numbers says nothing about the model, in words.
        tally: how many published numbers have each verdict.
        findings: the most important findings, three sentences at most.
        claims: each claim with the comparisons that answer it.
        tables: for each published table, its counts of verdicts, its rank agreement and a note.
        numbers: every published number with its verdict.
        without_runs: how many numbers of a table have no run, for each verdict and reason.
        regions: the settings at which under-specified models reach their published numbers.
    """

    studies: dict[str, str]
    cited: dict[str, str]
    records: int
    left_out: dict[str, list[str]]
    tolerances: str
    excesses: list[str]
    tally: dict[str, int]
    findings: list[str]
    claims: list[dict[str, Any]]
    tables: list[dict[str, Any]]
    numbers: list[dict[str, Any]]
    without_runs: list[dict[str, Any]]
    regions: list[dict[str, Any]]

    @property
    def is_reached(self) -> bool:
        """Whether these runs decide on a number, or answer a claim."""
        decided = self.tally[Verdict.REPRODUCED] + self.tally[Verdict.NOT_REPRODUCED]
        answered = (part["n"] > 0 for claim in self.claims for part in claim["parts"])
        return bool(decided) or any(answered)


def read_reproduction(layout: Layout, studies: Sequence[Study]) -> Reproduction:
    """Read the tables of verdicts of a data set and arrange them for the page."""
    verdicts, _, agreement, _, regions = (read_table(path, WORDS) for path in layout.verdict_files)
    claims = read_claims(layout)
    judged = [one for one in studies if one.is_judged and one.facts.dataset == layout.dataset]
    quantities = [one for study in judged for one in study.facts.quantities.values()]
    with_facts = pd.concat([verdicts["study"], claims["study"]])
    reachable = [_numbers_finding(verdicts, agreement)] if len(verdicts) else []
    return Reproduction(
        studies={study.name: study.citation for study in judged if study.name in {*with_facts}},
        cited={study.name: study.cited for study in studies},
        records=_records([*verdicts["runs"], *claims["runs"]]),
        left_out=_left_out(layout, studies),
        tolerances=", ".join(
            dict.fromkeys(of.tolerance_in_words for of in quantities if of.measure)
        ),
        excesses=[_excess(of.called, of.excess) for of in quantities if of.excess],
        tally=numbers.tally(verdicts),
        findings=[*reachable, *_claim_findings(claims)][:FINDINGS],
        claims=_claims(claims),
        tables=_tables(judged, verdicts, agreement),
        numbers=verdicts.to_dict("records"),
        without_runs=_without_runs(verdicts),
        regions=regions.to_dict("records"),
    )


def read_claims(layout: Layout) -> pd.DataFrame:
    """Read the answers to claims; a text that is missing, such as a unit, is empty."""
    claims = read_table(layout.tables / "claims.csv", WORDS)
    return claims.fillna(dict.fromkeys(WORDS.keys() & claims.columns, ""))


def named(text: str, cited: Mapping[str, str]) -> str:
    """Return a text of the tables that names studies as texts do and not by their folders."""
    names = "|".join(map(re.escape, cited))
    return re.sub(
        rf"(?<![\w-])(?:{names})(?![\w-])", lambda found: cited.get(found[0], found[0]), text
    )


def _records(cells: Iterable[object]) -> int:
    """Return how many records are among the runs that cells name."""
    return sum(name.startswith(PREFIX) for name in {*chain.from_iterable(map(separated, cells))})


def _left_out(layout: Layout, studies: Sequence[Study]) -> dict[str, list[str]]:
    """Return the studies with numbers or claims that this data set cannot judge."""
    found: dict[str, list[str]] = {}
    for study in studies:
        if study.is_judged and study.facts.dataset not in {None, layout.dataset}:
            found.setdefault(str(study.facts.dataset), []).append(study.name)
    return found


def _excess(called: str, excess: Excess) -> str:
    return f"{called} contains {excess.value}, as {excess.because}"


def _numbers_finding(verdicts: pd.DataFrame, agreement: pd.DataFrame) -> str:
    tally = numbers.tally(verdicts)
    decided = tally[Verdict.REPRODUCED] + tally[Verdict.NOT_REPRODUCED]
    if not decided:
        return f"None of the {len(verdicts)} published numbers can be judged by these runs."
    ranked = agreement.dropna(subset=["rho"])
    of_several = ranked["study"].nunique() > 1
    order = "; ".join(
        f"{signed(row['rho'], 2)} for table {row['table']}"
        f"{' of ' + row['study'] if of_several else ''}{_interval(row, '95 %: ')}"
        for _, row in ranked.iterrows()
    )
    is_decided = verdicts["verdict"].isin([Verdict.REPRODUCED, Verdict.NOT_REPRODUCED])
    few = int((is_decided & (verdicts["n"] == 1)).sum())
    said = f"{tally[Verdict.REPRODUCED]} of the {decided} published numbers that these runs can \
judge reproduce; {few or 'none'} of these verdicts {'stands' if few == 1 else 'stand'} on one seed"
    return f"{said}; rank correlation with ours: {order}." if order else f"{said}."


def _claim_findings(claims: pd.DataFrame) -> list[str]:
    """Return a sentence on each claim; claims with the most contradicted parts come first."""
    ran = claims[claims["n"] > 0]
    contradicted = ran["answer"].astype(str).str.endswith(Answer.CONTRADICTED)
    shares = contradicted.groupby([ran["study"], ran["name"]], sort=False).mean()
    ordered = shares.sort_values(ascending=False, kind="stable").index
    parts = dict(iter(claims.groupby(["study", "name"])))
    return [_finding(parts[claim]) for claim in ordered]


def _finding(parts: pd.DataFrame) -> str:
    """Say how many parts of a claim have each answer, and the largest effect in each unit."""
    counts = parts["answer"].value_counts()
    said = ", ".join(f"{answer} in {n} of {len(parts)}" for answer, n in counts.items())
    of_units = parts[parts["n"] > 0].groupby("unit", sort=False)["effect"]
    largest = [parts.loc[effects.abs().idxmax()] for _, effects in of_units]
    named_effects = "; ".join(f"{row['part']}, {effect(row)}" for row in largest)
    first = parts.iloc[0]
    return (
        f"«{first['claim']}» ({first['source']}) {said} "
        f"{'comparison' if len(parts) == 1 else 'comparisons'}; the largest "
        f"{'effect' if len(largest) == 1 else 'effect in each unit'}: {named_effects}."
    )


def compared(row: pd.Series) -> str:
    """Return what is compared, with what the effect must exceed where that is not 0."""
    if row["least"] < 0:
        return f"{row['part']}, allowing {-row['least']} the other way"
    if row["least"] > 0:
        return f"{row['part']}, which must exceed {row['least']}"
    return str(row["part"])


def effect(row: pd.Series) -> str:
    """Return an effect with its interval, unit and number of seeds: "0.035 (0.028 to 0.042) …".

    An end of the interval near zero, or near what a claim needs, decides an answer by its side.
    """
    digits = 1 if row["unit"].startswith(PERCENT) else 3
    said, low, high = (
        beside(row[name], (0.0, row["least"]), digits) for name in ("effect", "low", "high")
    )
    interval = f" ({low} to {high})" if pd.notna(row["low"]) else ""
    measured = " ".join(filter(None, (f"{said}{interval}", row["unit"])))
    return f"{measured}, {numbers.seeds(int(row['n']))}"


def _claims(claims: pd.DataFrame) -> list[dict[str, Any]]:
    """Return each claim with its parts that were run or that no run can answer; others come last.

    `open` is how many other parts it has.
    """
    is_open = claims["answer"] == Answer.NOT_RUN
    found = [
        {
            "claim": of_claim.iloc[0]["claim"],
            "source": of_claim.iloc[0]["source"],
            "parts": [
                {**row, "effect": effect(row) if row["n"] else "–", "compared": compared(row)}
                for _, row in of_claim[~is_open[of_claim.index]].iterrows()
            ],
            "open": int(is_open[of_claim.index].sum()),
        }
        for _, of_claim in claims.groupby(["study", "name"], sort=False)
    ]
    return sorted(found, key=lambda claim: not claim["parts"])


def _tables(
    judged: Sequence[Study], verdicts: pd.DataFrame, agreement: pd.DataFrame
) -> list[dict[str, Any]]:
    stated = {
        (study.name, table): facts
        for study in judged
        for table, facts in study.facts.tables.items()
    }
    of_tables = dict(iter(verdicts.groupby(["study", "table"])))
    return [
        {
            **row,
            "models": _few(of_tables[row["study"], row["table"]]["model"].unique()),
            "published": len(of_table := of_tables[row["study"], row["table"]]),
            "tally": numbers.tally(of_table),
            "order": _order(row),
            "note": stated[row["study"], row["table"]].note or "",
        }
        for _, row in agreement.iterrows()
    ]


def _without_runs(verdicts: pd.DataFrame) -> list[dict[str, Any]]:
    alike = ["study", "table", "verdict", "reason"]
    counted = verdicts[verdicts["n"] == 0].groupby(alike, sort=False, dropna=False).size()
    rows: list[dict[str, Any]] = counted.reset_index(name="count").to_dict("records")
    return rows


def _few(models: Sequence[str]) -> str:
    """Return the names of models, or how many they are if they are too many to read."""
    return ", ".join(models) if len(models) <= NAMED else f"{len(models)} models"


def _order(row: pd.Series) -> str:
    if pd.isna(row["rho"]):
        return "–"
    return f"{number(round(row['rho'], 2))}{_interval(row)}"


def _interval(row: pd.Series, level: str = "") -> str:
    """Return the ends of an interval in brackets, after a space; "" where there is none."""
    if pd.isna(row["low"]):
        return ""
    return f" ({level}{signed(row['low'], 2)} to {signed(row['high'], 2)})"
