"""How the pipeline's own work grows with the number of runs.

One run is trained; the others are copies of its files, so that thousands of runs cost nothing.
MLflow, into which they would be brought beside the work, is left out.
"""

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import chdir, closing
from pathlib import Path
from typing import Annotated

import typer
from ruamel.yaml import YAML

from latentgrid.files.atomic import sha256, write_json
from latentgrid.files.layout import Layout
from latentgrid.files.run_files import RunFiles
from latentgrid.grid import reading
from latentgrid.grid.runs import Run, planned_runs
from latentgrid.jobs import orders
from latentgrid.stamps.made import Digests, stamp
from project_copy import project_copy, seconds
from table import Limit, print_limits

SEEDS = 9
CONFIG = "growth.yaml"
SNAKEMAKE = ("snakemake", "--cores", "all", "--configfile", CONFIG, "--quiet", "all")
# Seconds, for 5,400 runs.
LIMITS = {"dry run": 60.0, "no-op": 30.0, "tables": 10.0}
LIMITED = 5400
NOWHERE = "http://127.0.0.1:9"  # the port where nothing answers


def main(
    runs: Annotated[list[int] | None, typer.Option(help="sizes of grids, multiples of 9")] = None,
) -> None:
    """Print the seconds of a dry run, a call with nothing to do, tables and report."""
    os.environ["MLFLOW_TRACKING_URI"] = NOWHERE
    for count in runs or [54, 540, 5400]:
        limits = LIMITS if count == LIMITED else {}
        rows = [Limit(name, value, limits.get(name)) for name, value in measured(count)]
        print_limits(f"{count} runs, seconds", rows)


def measured(count: int) -> Iterator[tuple[str, float]]:
    """Yield what was timed, and its seconds, for a grid of `count` runs."""
    with project_copy() as project:
        configuration(project, count)
        yield "dry run", seconds(project, *SNAKEMAKE, "-n")
        imitate(project)
        seconds(project, *SNAKEMAKE)
        yield "tables", seconds(project, "latentgrid.steps.tables", "--dataset", "digits")
        yield "report", seconds(project, "latentgrid.steps.report", "--dataset", "digits", "latent")
        yield "no-op", seconds(project, *SNAKEMAKE)


def configuration(project: Path, count: int) -> None:
    """Write a configuration of `count` runs of a small network."""
    yaml = YAML()
    chosen = yaml.load((project / "config" / "quick.yaml").read_text(encoding="utf-8"))
    chosen["training"] |= {"epochs": 1, "device": "cpu"}
    chosen["evaluation"] |= {"judge": None, "likelihood": None}
    rates = [round(0.001 + number / 10**7, 7) for number in range(count // SEEDS)]
    network = {"latent_dim": 2, "hidden": 8, "optimizer": "adam", "learning_rate": rates}
    chosen |= {"seeds": list(range(SEEDS)), "figures": ["latent"], "models": {"ae": network}}
    yaml.dump(chosen, project / CONFIG)


def imitate(project: Path) -> None:
    """Train and measure the first run, and give its files to all others."""
    first, *others = planned_runs(reading.load([project / CONFIG]))
    here = Layout("digits")
    trained = here.run(first.name)
    everything = [*trained.results, trained.timing, trained.outcome]
    seconds(project, *SNAKEMAKE, "--", str(trained.outcome))
    named = ("--dataset", "digits", "--run", first.name, "--test-images", "100")
    seconds(project, "latentgrid.steps.evaluate", *named)
    for run in others:
        files = here.run(run.name)
        for file in (*everything, trained.metrics, trained.overview):
            copy = project / files.folder / file.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(project / file, copy)
        _rename(project, files, run)
    with chdir(project):
        _stamp(here, others)


def _stamp(layout: Layout, others: list[Run]) -> None:
    """Say of the copies that the workflow made them, by the orders that it wrote."""
    digests = Digests()
    jobs = [f"train:{run.name}" for run in others]
    with closing(sqlite3.connect(layout.orders)) as database:
        evaluations = "SELECT job FROM orders WHERE job LIKE 'evaluate:%'"
        jobs += [job for (job,) in database.execute(evaluations)]
    for job in jobs:
        _, product = orders.read(layout.orders, job)
        stamp(product, {str(path): str(digests.of(path)) for path in product.inputs})


def _rename(project: Path, files: RunFiles, run: Run) -> None:
    config, outcome = project / files.config, project / files.outcome
    write_json(config, json.loads(config.read_text(encoding="utf-8")) | {"settings": run.settings})
    said = json.loads(outcome.read_text(encoding="utf-8"))
    said["sha256"][config.name] = sha256(config)
    write_json(outcome, said)


if __name__ == "__main__":
    typer.run(main)
