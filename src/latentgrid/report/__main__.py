"""The reporting step: one self-contained page from the tables and figures."""

import base64
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from jinja2 import Environment, PackageLoader, StrictUndefined

from latentgrid import catalogue
from latentgrid.evaluation.tables import axes_of
from latentgrid.evaluation.trained import TrainedRun
from latentgrid.figures.material import Material
from latentgrid.figures.style import setting_label
from latentgrid.files import read_json, write_text
from latentgrid.grid import read_plan
from latentgrid.paths import Layout
from latentgrid.report import findings
from latentgrid.step import run_step
from latentgrid.text import duration, number

TITLES = {"mnist": "MNIST", "digits": "scikit-learn's digits"}
# The order in which a reader wants the figures; a figure that is not named here comes last.
ORDER = (
    "samples",
    "reconstructions",
    "manifold",
    "latent",
    "silhouettes",
    "learning_curves",
    "marginal_effects",
)
CAPTIONS = Path("workflow/report")


def main(dataset: Annotated[str, typer.Option()]) -> None:
    """Write the report of a data set."""
    layout = Layout(dataset)
    environment = Environment(
        loader=PackageLoader("latentgrid", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "duration": duration}
    write_text(layout.report, environment.get_template("report.html.j2").render(content(layout)))


def content(layout: Layout) -> dict[str, Any]:
    """Gather what the template shows."""
    material = Material(layout)
    tables = {path.stem: _read(path) for path in layout.table_files}
    runs = tables["runs"]
    best = list(material.best(material.runs))
    axes = material.axes
    return {
        "title": TITLES.get(layout.dataset, layout.dataset),
        "dataset": layout.dataset,
        "data": read_json(layout.description),
        "runs": runs.to_dict("records"),
        "axes": axes,
        "words": findings.WORDS,
        "counts": Counter(runs["status"]),
        "seeds": sorted(runs["seed"].unique().tolist()),
        "grids": _grids(layout),
        "entries": _entries(layout),
        "unfinished": runs[runs["status"] != "finished"].to_dict("records"),
        "best": _best_rows(tables["best"], axes),
        "best_findings": findings.best_settings(tables["best"], axes)
        if len(tables["best"])
        else [],
        "losses": {
            table: rows.to_dict("records") for table, rows in tables["losses"].groupby("table")
        },
        "agreement": findings.agreement(tables["losses"], int(runs["planned_epochs"].max())),
        "published_best": _published_best(tables["losses"]),
        "settings": tables["settings"].to_dict("records"),
        "figures": _figures(layout, tables, pd.DataFrame(best)),
        "provenance": _provenance(layout, material.runs["run"].tolist()),
        "css": (Path(__file__).parent / "style.css").read_text(encoding="utf-8"),
    }


def _read(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path)
    except pd.errors.EmptyDataError:
        return pd.DataFrame()


def _grids(layout: Layout) -> list[dict[str, Any]]:
    """Return each entry with the values on its axes, its epochs and its batch size."""
    plan = pd.DataFrame(
        {"entry": p["entry"], **p["settings"], **p["axes"]} for p in read_plan(layout.plan)
    )
    axes = axes_of(read_plan(layout.plan))
    columns = [*dict.fromkeys((*axes, "epochs", "batch_size", "seed"))]
    return [
        {
            "entry": entry,
            "runs": len(rows),
            "values": {
                findings.WORDS.get(column, column): ", ".join(
                    number(value) for value in rows[column].dropna().unique().tolist()
                )
                for column in columns
            },
        }
        for entry, rows in plan.groupby("entry", sort=False)
    ]


def _entries(layout: Layout) -> list[dict[str, Any]]:
    """Return each entry with what its losses sum over, as its first result says."""
    entries: dict[str, dict[str, Any]] = {}
    for planned in read_plan(layout.plan):
        run = TrainedRun(layout.run(planned["name"]))
        if planned["entry"] not in entries and run.ended:
            described = ("description", "terms", "total", "batch total", "parameters")
            entries[planned["entry"]] = {"name": planned["entry"]} | {
                key.replace(" ", "_"): run.config[key] for key in described
            }
            entries[planned["entry"]] |= {"model": run.config["settings"]["model"]}
    return list(entries.values())


def _best_rows(best: pd.DataFrame, axes: list[str]) -> list[dict[str, Any]]:
    if best.empty:
        return []
    order = {entry: place for place, entry in enumerate(best["entry"].unique())}
    grouped = best.sort_values("entry", kind="stable", key=lambda entries: entries.map(order))
    return [{**row, "setting": setting_label(row, axes)} for _, row in grouped.iterrows()]


def _published_best(losses: pd.DataFrame) -> dict[str, str]:
    """Return each model's setting with the smallest published loss (source 000, table VI.5)."""
    if losses.empty:
        return {}
    best = losses.loc[losses.groupby("model")["published"].idxmin()]
    axes = ["latent_dim", "optimizer", "learning_rate"]
    return {row["model"]: setting_label(row, axes) for _, row in best.iterrows()}


def _figures(
    layout: Layout, tables: dict[str, pd.DataFrame], best: pd.DataFrame
) -> list[dict[str, Any]]:
    said = {
        "marginal_effects": findings.largest_effects(tables["marginal"])
        if len(tables["marginal"])
        else [],
        "silhouettes": findings.separation(best, tables["silhouettes"])
        if len(tables["silhouettes"])
        else [],
    }
    names = sorted(catalogue.figures(), key=lambda name: (*ORDER, name).index(name))
    return [
        {
            "name": name,
            "title": name.replace("_", " ").capitalize(),
            "picture": _embedded(layout.figures / f"{name}.png"),
            "caption": (CAPTIONS / f"{name}.rst").read_text(encoding="utf-8"),
            "findings": said.get(name, []),
        }
        for name in names
    ]


def _embedded(picture: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(picture.read_bytes()).decode()


def _provenance(layout: Layout, runs: list[str]) -> dict[str, Any]:
    """Return what the runs were made with; more than one version of a thing is shown as such."""
    made = [TrainedRun(layout.run(name)) for name in runs]
    libraries = [f"{name} {v}" for run in made for name, v in run.config["libraries"].items()]
    seconds = [sum(read_json(run.files.timing)["seconds per epoch"]) for run in made]
    return {
        "code": sorted({run.config["code"] for run in made}),
        "data": sorted({run.config["data sha256"] for run in made}),
        "devices": sorted({run.config["device"] for run in made}),
        "libraries": sorted(set(libraries)),
        "seconds": sum(seconds),
    }


if __name__ == "__main__":
    run_step(main)
