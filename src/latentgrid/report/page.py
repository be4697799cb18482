"""The content of the report: one self-contained page made from the tables and figures."""

import base64
from collections import Counter
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from latentgrid.evaluation.ranking import VALIDATION_LOSS
from latentgrid.figures import style
from latentgrid.figures.results import Results
from latentgrid.files.atomic import read_json
from latentgrid.files.layout import Layout
from latentgrid.grid import catalogue
from latentgrid.grid.runs import read_plan
from latentgrid.report import audit, first, glossary, quality, reproduction, sections, seen
from latentgrid.report.pictures import as_webp, webp_address
from latentgrid.results.labels import axis_label, setting_label
from latentgrid.results.run_json import flat
from latentgrid.results.tables import as_planned, axes_of, read_table, separated
from latentgrid.results.trained import TrainedRun
from latentgrid.studies.study import Study
from latentgrid.text import number, short_setting, signed

TITLES = {"mnist": "MNIST", "digits": "scikit-learn's digits"}
NONE = pd.Series(dtype=float)  # a column that a table lacks
COUNTS = ("training images", "test images", "image shape", "classes")
# Measures that compare models with different losses.
COMPARED = {
    "test_squared_error": "squared error",
    "importance_bound": "bound on log p(x)",
    "silhouette": "silhouette",
    "clustering_accuracy": "clustering accuracy",
    "test_accuracy": "accuracy",
    "sample_confidence": "sample confidence",
    "sample_classes": "sample classes",
    "sample_score": "sample score",
}


def templates() -> Environment:
    """Return the report's templates with the filters that they use."""
    environment = Environment(
        loader=PackageLoader("latentgrid", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=sections.printable_value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "signed": signed, "separated": separated}
    environment.filters["short_setting"] = short_setting
    environment.filters["named"] = reproduction.named
    environment.filters["explained"] = glossary.explained
    return environment


def gather_content(
    layout: Layout, studies: Sequence[Study], figures: Sequence[str], threads: int
) -> dict[str, Any]:
    """Read everything that the report's template shows."""
    results = Results(layout)
    tables = {path.stem: read_table(path) for path in layout.table_files}
    runs = tables["runs"]
    axes = results.axes
    settings = tables["settings"]
    data = read_json(layout.description, *COUNTS)
    sources = glossary.sources_of(studies)
    title = TITLES.get(layout.dataset, layout.dataset)
    compared = {n: label for n, label in COMPARED.items() if settings.get(n, NONE).notna().any()}
    denoisers = runs.loc[runs["model"].map(_corrupts), "entry"].unique().tolist()
    return {
        "title": title,
        "dataset": layout.dataset,
        "data": data,
        "trained": _trained(title, data, runs),
        "findings": first.findings(results, tables["best"]),
        "probe": probe(runs),
        "drawn": style.WIDTH,
        "runs": runs.to_dict("records"),
        "labels": {row["run"]: setting_label(row, axes) for _, row in as_planned(runs).iterrows()},
        "counts": Counter(runs["status"]),
        "seeds": sorted(runs["seed"].unique().tolist()),
        "grids": _grids(layout),
        "entries": _entries(layout),
        "unfinished": runs[runs["status"] != "finished"].to_dict("records"),
        "best": _side_by_side(tables["best"], settings, axes),
        "validated": VALIDATION_LOSS in settings,
        "likelihood": _likelihood(tables["best"]),
        "compared": compared,
        "comparable": _comparable(compared, denoisers, data["classes"]),
        "verdicts": reproduction.read_reproduction(layout, studies),
        "titles": TITLES,
        "quality": quality.read_quality(layout),
        "audit": audit.read_audit(layout),
        "disagreements": audit.read_disagreements(layout, studies),
        "cited": {study.name: study.cited for study in studies},
        "sources": sources,
        "glossary": glossary.GLOSSARY,
        "terms": [*sources, *glossary.GLOSSARY],
        "downloads": _downloads(layout),
        "sections": _sections(layout, figures, studies, threads),
        "interactive": _interactive(layout, figures),
        "provenance": provenance(layout, results.runs["run"].tolist()),
    }


def _trained(title: str, data: dict[str, Any], runs: pd.DataFrame) -> str:
    """Say in a sentence what was trained on what, and for how long."""
    channels, height, width = data["image shape"]
    classes = data["classes"]
    models = _counted(runs["entry"].nunique(), "model")
    seeds = _counted(runs["seed"].nunique(), "seed")
    what = [f"{height} × {width} pixels", "grey" if channels == 1 else "in colour"]
    what += [f"{classes} classes"] if classes > 1 else []
    epochs = sorted({int(count) for count in runs["epochs"].dropna()})
    return (
        f"{models}, {_counted(len(runs), 'run')} from {seeds}, trained on "
        f"{data['training images']:,} images of {title} ({', '.join(what)})"
        f"{_held_out(runs)}{_for_epochs(epochs)} and measured on {data['test images']:,} others."
    )


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _held_out(runs: pd.DataFrame) -> str:
    """Say which share of the training images was held out, if one was."""
    shares = runs["validation"].fillna(0) if "validation" in runs else pd.Series([0.0])
    if not shares.any():
        return ""
    most = "" if shares.nunique() == 1 else "up to "
    return f", {most}{100 * shares.max():g} % of them held out,"


def _for_epochs(epochs: Sequence[int]) -> str:
    if not epochs:
        return ""
    last = _counted(epochs[-1], "epoch")
    return f" for {last}" if len(epochs) == 1 else f" for {epochs[0]:,} to {last}"


def probe(runs: pd.DataFrame) -> str:
    """Return a picture beside the report, by which the page finds out that it was not moved.

    It is that of the first of these runs that has one; empty if none has.
    """
    there = runs.loc[runs["status"] != "failed", "run"]
    return f"runs/{quote(there.iloc[0])}/overview.png" if len(there) else ""


def _downloads(layout: Layout) -> list[dict[str, Any]]:
    """Return the tables that have rows, each as a data URI."""
    files = [*layout.table_files, *layout.verdict_files, layout.quality, layout.controls]
    return [
        {"name": path.stem, "rows": rows, "address": _as_csv(path.read_bytes())}
        for path in files
        if (rows := len(read_table(path)))
    ]


def _as_csv(table: bytes) -> str:
    return "data:text/csv;charset=utf-8;base64," + base64.b64encode(table).decode()


def _corrupts(model: str) -> bool:
    return "corrupt" in catalogue.abilities(model)


def _grids(layout: Layout) -> list[dict[str, Any]]:
    """Return each entry with the values on its axes, its epochs, batch size and precision."""
    plan = pd.DataFrame(
        {"entry": p["entry"], **flat(p["settings"])} for p in read_plan(layout.plan)
    )
    axes = axes_of(read_plan(layout.plan))
    of_training = ("epochs", "batch_size", "precision", *catalogue.VALIDATION, "seed")
    columns = [c for c in dict.fromkeys((*axes, *of_training)) if c in plan]
    return [
        {
            "entry": entry,
            "model": rows["model"].iloc[0],
            "runs": len(rows),
            "values": {
                axis_label(column): ", ".join(number(v) for v in values)
                for column in columns
                if (values := rows[column].dropna().unique().tolist())
            },
        }
        for entry, rows in plan.groupby("entry", sort=False)
    ]


def _entries(layout: Layout) -> list[dict[str, Any]]:
    """Return each entry with the `config.json` of its first run that has a result."""
    entries: dict[str, dict[str, Any]] = {}
    for planned in read_plan(layout.plan):
        run = TrainedRun(layout.run(planned["name"]))
        if planned["entry"] not in entries and run.ended:
            entries[planned["entry"]] = {"name": planned["entry"], **vars(run.config)}
    return list(entries.values())


def _side_by_side(
    best: pd.DataFrame, settings: pd.DataFrame, axes: list[str]
) -> list[dict[str, Any]]:
    """Return each entry's best setting and how many settings it was chosen from."""
    tried = settings["entry"].value_counts()
    return [
        {**row, "setting": setting_label(row, axes), "of": int(tried[row["entry"]])}
        for _, row in best.iterrows()
    ]


def _comparable(compared: Collection[str], denoisers: Sequence[str], classes: int) -> str:
    """Say what stands in the columns that may be compared, but for the bound on log p(x)."""
    damaged = f" (of a damaged one for {' and '.join(denoisers)})" if denoisers else ""
    said = {
        "test_squared_error": f"the squared error of a test image's reconstruction{damaged}",
        "silhouette": "the silhouette of the test codes",
        "clustering_accuracy": "the accuracy of clusters",
        "test_accuracy": "the accuracy of classifiers",
        "sample_confidence": "what a judge trained on the real images says of the samples: how "
        "sure it is on average, how many classes it sees among them, and its sample score "
        f"({classes} at best)",
    }
    *others, last = [words for name, words in said.items() if name in compared] or [""]
    return f"{', '.join(others)}, and {last}" if others else last


def _likelihood(best: pd.DataFrame) -> dict[str, float]:
    """Return the numbers of images and draws of the bounds, and their largest standard error."""
    columns = {
        "images": "likelihood_images",
        "draws": "likelihood_draws",
        "error": "importance_bound_se",
    }
    return {name: best[column].max() for name, column in columns.items() if column in best}


def _sections(
    layout: Layout, figures: Sequence[str], studies: Sequence[Study], threads: int
) -> dict[str, list[dict[str, Any]]]:
    """Return the figures by section, with their pictures."""
    files = [layout.figures / f"{name}.png" for name in figures]
    with ThreadPoolExecutor(threads) as pool:
        pictures = dict(zip(figures, pool.map(_embedded, files), strict=True))
    return {
        heading: [
            {
                **vars(figure),
                "alt": figure.alt,
                "seen": seen.arrange(figure.seen),
                "picture": pictures[figure.name],
                "animation": _animation(layout, figure.name),
            }
            for figure in described
        ]
        for heading, described in sections.describe_figures(layout, figures, studies).items()
    }


def _animation(layout: Layout, figure: str) -> str | None:
    """Return a figure's animation as a data URI, or None if it has none."""
    if not catalogue.figure(figure).is_animated:
        return None
    return webp_address(layout.animation(figure).read_bytes())


def _interactive(layout: Layout, figures: Sequence[str]) -> dict[str, str]:
    """Return the interactive plots of the figure `latent`; empty texts if it is not drawn."""
    if "latent" not in figures:
        return dict.fromkeys(("library", "script", "place"), "")
    plots: dict[str, str] = read_json(layout.interactive, "library", "script", "place")
    return plots


def _embedded(picture: Path) -> str:
    return as_webp(Image.open(picture))


def provenance(layout: Layout, runs: list[str]) -> dict[str, Any]:
    """Return every commit, data set, device and library version that the runs were made with."""
    configs = [TrainedRun(layout.run(name)).config for name in runs]
    libraries = [f"{name} {v}" for config in configs for name, v in config.libraries.items()]
    return {
        "code": sorted({config.code for config in configs}),
        "data": sorted({config.data_sha256 for config in configs}),
        "devices": sorted({config.device for config in configs}),
        "libraries": sorted(set(libraries)),
    }
