"""The content of the page about a model: what it is, how it was trained, and what came of it."""

import base64
import re
from collections.abc import Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from latentgrid.figures import style
from latentgrid.figures.results import Results
from latentgrid.figures.training_curves import as_svg, draw_curves
from latentgrid.files.layout import Layout
from latentgrid.grid import catalogue
from latentgrid.grid.runs import read_plan
from latentgrid.report import glossary, page, reproduction
from latentgrid.report.model_text import read_model_text
from latentgrid.results.labels import setting_label
from latentgrid.results.tables import as_planned, axes_of, read_runs, read_table, separated
from latentgrid.studies.study import Study

ALIAS = re.compile(r"\b\d{3}\b")  # of a study, as the docstrings cite it


def gather_model(
    layout: Layout, model: str, studies: Sequence[Study], configuration: str
) -> dict[str, Any]:
    """Read everything that the template of a model's page shows.

    Args:
        layout: of the data set.
        model: its name; the plan has runs of it.
        studies: those that `studies:` chooses.
        configuration: the text of the file that asks for the runs of this model.
    """
    every = read_runs(layout)
    runs = every[every["model"] == model]
    results = Results(layout, tuple(runs["entry"].unique()))
    text = read_model_text(model, studies)
    ended = runs.loc[runs["status"] != "failed", "run"].tolist()
    numbers = _numbers(layout, model, studies)
    sources = glossary.sources_of(_cited(text.files, numbers, studies))
    return {
        "title": page.TITLES.get(layout.dataset, layout.dataset),
        "dataset": layout.dataset,
        "model": model,
        "text": text,
        "cited": {study.name: study.cited for study in studies},
        "sources": sources,
        "glossary": glossary.GLOSSARY,
        "terms": [*sources, *glossary.GLOSSARY],
        "probe": f"../{page.probe(runs)}",
        "drawn": style.WIDTH,
        "config": results.trained(ended[0]).config if ended else None,
        "loss_ranks": catalogue.said(model, "loss_ranks"),
        "numbers": numbers,
        "claims": _claims(layout, set(runs["run"])),
        "curves": _curves(results, runs),
        "pictures": _pictures(results),
        "configuration": configuration,
        "configuration_file": layout.model_configuration(model),
        "one_again": layout.run(str(runs["run"].iloc[0])).outcome,
        "runs": _runs(results, runs),
        "known": set(every.loc[every["status"] != "failed", "run"]),
        "elsewhere": _elsewhere(numbers, set(every["run"])),
        "provenance": page.provenance(layout, ended),
    }


def _cited(text: str, numbers: Sequence[dict[str, Any]], studies: Sequence[Study]) -> list[Study]:
    """Return the studies that a text cites by an alias, such as 000, and those of the numbers."""
    aliases, of_numbers = {*ALIAS.findall(text)}, {row["study"] for row in numbers}
    return [one for one in studies if aliases & {*one.facts.aliases} or one.name in of_numbers]


def _numbers(layout: Layout, model: str, studies: Sequence[Study]) -> list[dict[str, Any]]:
    """Return the published numbers of a model with their verdicts."""
    verdicts = read_table(layout.tables / "verdicts.csv", reproduction.WORDS)
    names = {(study.name, one.model): one.ours for study in studies for one in study.numbers}
    return [
        row for row in verdicts.to_dict("records") if names[row["study"], row["model"]] == model
    ]


def _claims(layout: Layout, runs: set[str]) -> list[dict[str, Any]]:
    """Return the comparisons for claims in which runs of a model take part."""
    claims = reproduction.read_claims(layout)
    return [
        {**row, "effect": reproduction.effect(row), "compared": reproduction.compared(row)}
        for _, row in claims.iterrows()
        if runs.intersection(separated(row["runs"]))
    ]


def _curves(results: Results, runs: pd.DataFrame) -> list[dict[str, str]]:
    """Return the curves of each entry, with their pictures as data URIs."""
    histories = read_table(results.layout.tables / "history.csv")
    axes = axes_of(read_plan(results.layout.plan))
    there = runs[runs["status"] != "failed"]
    return [
        {"title": panel.title, "picture": _address("svg+xml", as_svg(panel.figure))}
        for _, of_entry in there.groupby("entry", sort=False)
        for panel in draw_curves(
            as_planned(of_entry), histories, axes, results.loss_label(of_entry)
        )
    ]


def _address(kind: str, picture: bytes) -> Markup:
    """Return a picture as a data URI, whose letters a page need not look at one by one."""
    return Markup(f"data:image/{kind};base64,{base64.b64encode(picture).decode()}")  # noqa: S704


def _pictures(results: Results) -> list[dict[str, str]]:
    """Return the overview of each entry's best run."""
    shown = []
    for run in results.best(results.runs):
        overview = results.layout.run(run["run"]).overview.read_bytes()
        label = results.label(run).replace("\n", ": ")
        shown.append({"label": label, "run": run["run"], "picture": _address("png", overview)})
    return shown


def _runs(results: Results, runs: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of the model's runs, each with its setting and its number of weights.

    The setting has the axes on which an entry of the model has two or more values.
    """
    planned = as_planned(runs)
    of_entries = planned.groupby("entry")
    axes = [
        axis
        for axis in axes_of(read_plan(results.layout.plan))
        if (of_entries[axis].nunique() > 1).any()
    ]
    return [
        {
            **row,
            "label": setting_label(planned.loc[number], axes),
            "weights": results.trained(row["run"]).config.parameters
            if row["status"] != "failed"
            else None,
        }
        for number, row in runs.iterrows()
    ]


def _elsewhere(numbers: Sequence[dict[str, Any]], planned: set[str]) -> list[str]:
    """Return what counts for the numbers and is no run of this plan: records of other machines."""
    named = (name for row in numbers for name in separated(row["runs"]))
    return [name for name in dict.fromkeys(named) if name not in planned]
