"""Judges studies by what there is: records and the results of the workflow. Nothing is trained."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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
from latentgrid.studies.records import PREFIX
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
    evidence = gathered(with_facts)
    verdicts = [show(study, evidence, console) for study in with_facts]
    if csv:
        write_table(csv, pd.concat(verdicts, ignore_index=True))


def gathered(studies: Iterable[Study]) -> dict[str, Evidence]:
    """Return what verdicts on studies stand on, by data set, as the workflow gathers it.

    A record of one of these studies counts for all of them.

    Raises:
        UserError: a record cannot count, a table of the workflow was changed, or a study is of no
            data set.
    """
    of_sets: dict[str, list[Study]] = {}
    for study in studies:
        if study.facts.dataset is None:
            raise UserError(
                f"{study.folder / STUDY}: dataset is null, so nobody knows whose runs answer its "
                f"claims; allowed: {', '.join(datasets.names())}"
            )
        of_sets.setdefault(study.facts.dataset, []).append(study)
    return {dataset: _of_set(Layout(dataset), found) for dataset, found in of_sets.items()}


def _of_set(layout: Layout, studies: Sequence[Study]) -> Evidence:
    runs = pd.DataFrame(columns=[*IDENTITY, *OUTCOME])
    table = layout.tables / "runs.csv"
    if table.is_file():
        runs = read_table(made.require_unchanged(table))
    size = sources.size(layout.dataset)
    of_data = {"images": size.train, "pixels": prod(size.shape)}
    return gather(layout, studies, runs, of_data)


def answers_of(study: Study, evidence: Evidence) -> pd.DataFrame:
    """Return the answers to a study's claims, and to those of plugins."""
    return claims_table([study], evidence.runs[evidence.runs["status"] == "finished"])


def show(study: Study, of_sets: Mapping[str, Evidence], console: Console) -> pd.DataFrame:
    """Print what is known of a study's numbers and claims, and return the verdicts."""
    evidence = of_sets[str(study.facts.dataset)]
    verdicts, answers = numbers.table([study], evidence), answers_of(study, evidence)
    names = evidence.runs["run"].astype(str)
    recorded = int(names.str.startswith(f"{PREFIX}{study.name}/").sum())
    trained, seeds = int((~names.str.startswith(PREFIX)).sum()), len(study.facts.seeds)
    console.print(Text.assemble((study.name, "bold"), f"  {study.citation}"))
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
