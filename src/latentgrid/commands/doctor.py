"""Finds which results fit the plan and which are damaged, without changing anything."""

import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from latentgrid.errors import UserError, one_line
from latentgrid.extras import require_installed
from latentgrid.files.atomic import read_json
from latentgrid.files.layout import Layout
from latentgrid.files.run_files import RunFiles
from latentgrid.results.run_json import as_trained
from latentgrid.stamps import made

# The environment variable with a file's path: the workflow writes its findings there and ends.
SURVEY = "LATENTGRID_SURVEY"
TRAIN = "train"
FITS = "fits"


@dataclass(frozen=True)
class Diagnosis:
    """What was found in the results of one data set.

    Attributes:
        found: for "runs" and for "later results", the number in each state: "fits", or why not.
        outside: sentences on runs that the plan does not have, were put aside, or are unfinished.
        damaged: a sentence on each file that changed after it was written.
    """

    found: dict[str, Counter[str]]
    outside: list[str]
    damaged: list[str]


def diagnose(layout: Layout, configuration: Sequence[str], planned: Iterable[str]) -> Diagnosis:
    """Compare the results with what a configuration would make.

    Args:
        layout: of the data set.
        configuration: the paths given with `--configfile`; empty for params.yaml.
        planned: the names of the configuration's runs.

    Raises:
        UserError: the configuration or the code is wrong.
    """
    found: dict[str, Counter[str]] = {"runs": Counter(), "later results": Counter()}
    for product in _survey(configuration):
        kind = "runs" if product["rule"] == TRAIN else "later results"
        found[kind][product["reason"] or FITS] += 1
    return Diagnosis(found, list(_outside(layout, set(planned))), list(damaged_files(layout)))


def damaged_files(layout: Layout) -> Iterator[str]:
    """Yield, for each result that changed after its job wrote it, what is wrong and what to do."""
    for folder in (layout.data, layout.results):
        for stamp in sorted(folder.rglob(f"{made.STAMP_PREFIX}*{made.STAMP_SUFFIX}")):
            if layout.aside not in stamp.parents:
                yield from _damage(made.stamped_by(stamp))


def _damage(path: Path) -> Iterator[str]:
    try:
        if path.is_file():
            made.require_as_written(path)
            if path.name == RunFiles(path.parent, path.parent).outcome.name:
                files = RunFiles(path.parent, path.parent)
                for result in files.results:
                    as_trained(files, result)
    except UserError as error:
        yield str(error)


def _outside(layout: Layout, planned: set[str]) -> Iterator[str]:
    lying = {f.relative_to(layout.runs).as_posix() for f in layout.runs.glob("*/*/seed=*")}
    others = len(lying - planned)
    if others:
        yield f"{_runs(others)} in {layout.runs} that this configuration does not have"
    aside = len(list(layout.aside.glob("runs/*/*/seed=*")))
    if aside:
        told = "put there by latentgrid prune, or by snakemake before a new training"
        yield f"{_runs(aside)} in {layout.aside}, {told}"
    unfinished = len([folder for folder in layout.state.glob("*") if folder.is_dir()])
    if unfinished:
        yield f"{_runs(unfinished)} unfinished in {layout.state}; snakemake goes on with them"


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"


def _survey(configuration: Sequence[str]) -> list[dict[str, Any]]:
    """Let Snakemake read the workflow, without running jobs, and return its findings."""
    require_installed("snakemake")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "survey.json"
        command = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet"]
        if configuration:
            command += ["--configfile", *configuration]
        done = subprocess.run(
            command,
            env={**os.environ, SURVEY: str(file)},
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        if not file.exists():
            said = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
            raise UserError(said[0].removeprefix("error: ") if said else one_line(done.stderr))
        findings: list[dict[str, Any]] = read_json(file)
    return findings


def show(diagnosis: Diagnosis, console: Console) -> None:
    """Print a diagnosis."""
    table = Table("", "state", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("number", justify="right")
    for kind, states in diagnosis.found.items():
        ordered = sorted(states.items(), key=lambda item: (item[0] != FITS, -item[1]))
        for number, (state, count) in enumerate(ordered):
            table.add_row("" if number else kind, state, str(count))
    console.print(table)
    for line in (*diagnosis.outside, *diagnosis.damaged):
        console.print(line, highlight=False, markup=False)
    if not diagnosis.damaged:
        console.print("Every file is as it was written.", highlight=False)
