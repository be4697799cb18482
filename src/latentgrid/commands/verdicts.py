"""Judges studies by what there is: records and the results of the workflow. Nothing is trained."""

import math
from collections import Counter
from collections.abc import Sequence
from math import prod
from pathlib import Path

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from latentgrid.data import sources
from latentgrid.errors import UserError, printable
from latentgrid.evaluation.tables import IDENTITY, OUTCOME, write_table
from latentgrid.files.layout import Layout
from latentgrid.grid import datasets
from latentgrid.grid.study_folders import STUDY
from latentgrid.report.reproduction import effect
from latentgrid.results.labels import percent
from latentgrid.results.tables import read_table
from latentgrid.stamps import made
from latentgrid.studies.study import Study
from latentgrid.text import beside, number, short_setting
from latentgrid.verdicts import numbers
from latentgrid.verdicts.answers import claims_table
from latentgrid.verdicts.evidence import Evidence, gather

TIGHT = (0, 1, 0, 0)  # spaces around a cell, so that a row fits into 80 letters


def show_all(studies: Sequence[Study], console: Console, csv: Path | None) -> None:
    """Print what is known of each study's numbers and claims; write the verdicts to `csv`.

    Raises:
        UserError: none of the studies has anything to judge, or a record cannot count.
    """
    with_facts = [one for one in studies if one.is_judged]
    if not with_facts:
        raise UserError("none of these studies has numbers or claims, so nothing can be judged")
    verdicts = [show(study, console) for study in with_facts]
    if csv:
        write_table(csv, pd.concat(verdicts, ignore_index=True))


def judge(study: Study) -> tuple[pd.DataFrame, pd.DataFrame, Evidence]:
    """Return the verdicts on a study's numbers, the answers to its claims, and what they stand on.

    Raises:
        UserError: a record of the study cannot count, a table of the workflow was changed, or the
            study is of no data set.
    """
    if study.facts.dataset is None:
        raise UserError(
            f"{study.folder / STUDY}: dataset is null, so nobody knows whose runs answer its "
            f"claims; allowed: {', '.join(datasets.names())}"
        )
    layout = Layout(study.facts.dataset)
    runs = pd.DataFrame(columns=[*IDENTITY, *OUTCOME])
    table = layout.tables / "runs.csv"
    if table.is_file():
        runs = read_table(made.require_unchanged(table))
    size = sources.size(layout.dataset)
    of_data = {"images": size.train, "pixels": prod(size.shape)}
    evidence = gather(layout, [study], runs, of_data)
    finished = evidence.runs[evidence.runs["status"] == "finished"]
    return numbers.table([study], evidence), claims_table([study], finished), evidence


def show(study: Study, console: Console) -> pd.DataFrame:
    """Print what is known of a study's numbers and claims, and return the verdicts."""
    verdicts, answers, evidence = judge(study)
    recorded = int(evidence.runs["run"].astype(str).str.startswith("record:").sum())
    console.print(Text.assemble((study.name, "bold"), f"  {study.citation}"))
    trained, seeds = len(evidence.runs) - recorded, len(study.facts.seeds)
    console.print(
        f"{recorded} record{'' if recorded == 1 else 's'} and "
        f"{trained} run{'' if trained == 1 else 's'} in results/ on {study.facts.dataset}; "
        f"{'1 seed was' if seeds == 1 else f'{seeds} seeds were'} fixed.",
        highlight=False,
    )
    if len(verdicts):
        console.print(f"Numbers: {_counted(verdicts['verdict'])}.", highlight=False)
    ran = verdicts[verdicts["n"] > 0]
    if len(ran):
        for _, alike in ran.groupby(["table", "model"], sort=False):
            console.print(_numbers(alike))
        console.print(
            "ratio: ours ÷ published. would show: the smallest deviation that these seeds would "
            "have shown, as a share of the published number.",
            highlight=False,
        )
    if len(answers):
        console.print(f"Comparisons: {_counted(answers['answer'])}.", highlight=False)
    answered = answers[answers["n"] > 0]
    if len(answered):
        console.print(_answers(answered))
    return verdicts


def _counted(words: "pd.Series[str]") -> str:
    return ", ".join(f"{n} {word}" for word, n in Counter(words).most_common())


def _numbers(verdicts: pd.DataFrame) -> Table:
    """Return a row a number of one table and model."""
    first = verdicts.iloc[0]
    of = escape(printable(f"{first['table']}, {first['model']}"))
    table = Table(of, box=SIMPLE_HEAD, padding=TIGHT)
    for heading in ("published", "ours", "ratio", "would\nshow", "seeds"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for _, row in verdicts.iterrows():
        would_show = row["reach"] / abs(row["published"]) if row["published"] else math.nan
        table.add_row(
            Text(printable(short_setting(row["setting"]))),
            *(number(row[name]) for name in ("published", "ours")),
            beside(row["ratio"], (1 - would_show, 1 + would_show), 3),
            percent(would_show, 1) if row["published"] else "–",
            f"{row['n']} of {row['planned']}",
            row["verdict"],
        )
    return table


def _answers(answers: pd.DataFrame) -> Table:
    """Return a row a comparison; a claim stands in the first row of its comparisons."""
    table = Table("claim", "compared", "effect", box=SIMPLE_HEAD, padding=TIGHT)
    table.add_column("answer", no_wrap=True)
    before = ""
    for _, row in answers.iterrows():
        claim = row["name"] if row["name"] != before else ""
        cells = claim, row["part"], effect(row), row["answer"]
        table.add_row(*(Text(printable(cell)) for cell in cells))
        before = row["name"]
    return table
