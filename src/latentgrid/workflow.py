"""What the Snakefile needs beside its rules."""

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from latentgrid import params
from latentgrid.errors import UserError
from latentgrid.files import write_text
from latentgrid.grid import Run, canonical, trial_of
from latentgrid.imports import source_files
from latentgrid.links import refuse_links
from latentgrid.owners import require_writable, require_writable_below
from latentgrid.parent import WORKFLOW
from latentgrid.paths import Layout
from latentgrid.run_files import RunFiles

ONLY_FINISHED = "LATENTGRID_ONLY_FINISHED"
LINES_OF_A_LOG = 12
SMALLEST_BATCH = 4  # runs
MOST_BATCHES = 200
LEAST_SPACE = 1_000_000  # bytes; no step can do with less
NO_SPACE = (
    "error: no space left on the disk of {}; free some, then run the same command again: "
    "what is done stays done"
)


def use_this_python() -> None:
    """Let jobs run the Python that runs Snakemake, whether or not its environment is activated."""
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def name_this_workflow() -> None:
    """Let jobs know whose they are, so that they end if it ended before they had begun."""
    os.environ[WORKFLOW] = str(os.getpid())


def require_space() -> None:
    """End here if the disk is full; Snakemake would say so with a traceback for each line it logs.

    Should it fill up later, the lines that its log then lacks are no news.
    """
    logging.raiseExceptions = False
    if is_full(Path()):
        sys.exit(NO_SPACE.format(Path().absolute()))


def is_full(folder: Path) -> bool:
    """Tell whether there is next to no space left on a folder's disk."""
    return shutil.disk_usage(folder).free < LEAST_SPACE


def load_params(workflow: Any) -> params.Params:
    """Return the parameters of `--configfile`, else of params.yaml, with `--config` over them.

    If something in them is wrong, Snakemake ends here: an exception would show a traceback.
    """
    given = workflow.config_settings
    try:
        return params.load(given.configfiles or [Path("params.yaml")], given.config)
    except UserError as error:
        sys.exit(f"error: {error}")


def require_files(paths: Iterable[str | Path]) -> None:
    """End here if a file of the project is missing: Snakemake would take it for nothing to do."""
    missing = [str(path) for path in paths if not Path(path).is_file()]
    if missing:
        sys.exit(f"error: {', '.join(missing)}: no such file; the workflow reads it")


def configuration_files(workflow: Any) -> list[str]:
    """Return the files of a call's configuration, seen from where it was called."""
    given = workflow.config_settings.configfiles or ["params.yaml"]
    return [os.path.relpath(path) for path in given]


def runs_by_entry(layout: Layout, runs: Iterable[Run]) -> dict[str, list[RunFiles]]:
    """Return the files of the runs of each entry."""
    found: dict[str, list[RunFiles]] = {}
    for run in runs:
        found.setdefault(run.entry, []).append(layout.run(run.name))
    return found


def there(runs: Iterable[RunFiles]) -> list[RunFiles]:
    """Return the runs to work with: after a failure, for a report of what there is, the trained."""
    return [run for run in runs if ONLY_FINISHED not in os.environ or run.outcome.exists()]


@dataclass(frozen=True)
class Batch:
    """Runs of one entry that a job measures or draws one after another.

    Snakemake spends time on each job, and the product of a job's inputs and outputs on
    keeping its records, so that neither jobs nor the runs in one may be too many.
    """

    entry: str
    runs: list[RunFiles]


def batches(runs: dict[str, list[RunFiles]]) -> dict[str, Batch]:
    """Return the batches by the names of their jobs: the entry's, or `entry_B2`, if it has more.

    A run that failed leaves its place empty, and a grid that grows seldom has its batches cut anew.
    """
    found = {}
    size = SMALLEST_BATCH
    while sum(map(len, runs.values())) > size * MOST_BATCHES:
        size *= 2
    for entry, of_entry in runs.items():
        for number, first in enumerate(range(0, len(of_entry), size), start=1):
            part = there(of_entry[first : first + size])
            if part:
                found[entry if number == 1 else f"{entry}_B{number}"] = Batch(entry, part)
    return found


def require_own_records() -> None:
    """End here if Snakemake may not keep its records: it would say so with a traceback."""
    records = Path(".snakemake")
    try:
        require_writable([records, *records.glob("*")])
    except UserError as error:
        sys.exit(f"error: {error}")


def require_own_results(layout: Layout) -> None:
    """End here, before any job, if results or data cannot be written, or lie behind a link."""
    try:
        refuse_links(layout)
        for folder in (layout.results, layout.data):
            require_writable_below(folder)
    except UserError as error:
        sys.exit(f"error: {error}")


def take_turns(layout: Layout) -> None:
    """Hold the data set's results for as long as this process lives, or end here.

    Unlike Snakemake's own locks this one is the kernel's: a kill frees it.
    """
    if ONLY_FINISHED not in os.environ:
        layout.results.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(layout.lock, os.O_CREAT | os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"error: {layout.results} is being made by another snakemake")


def clear_up(layout: Layout) -> None:
    """Delete what writes that were cut off left behind, and bring files of the future to today.

    Who holds the lock is the only writer. Snakemake fails a job whose output is older than its
    input, as it is when the clock was set back.
    """
    now = time.time()
    for folder in (layout.data, layout.results):
        for path in folder.rglob("*"):
            with contextlib.suppress(FileNotFoundError):  # by its writer, as it is killed
                if path.match(".*.part"):
                    path.unlink()
                elif path.stat().st_mtime > now:
                    os.utime(path)


def write_plan(layout: Layout, plan: str) -> None:
    """Write down the runs of this configuration, for the steps that gather all of them.

    Not by a rule: a rule's output is an input to others, and Snakemake does not look whether the
    parameters of a job have changed while an input of it, even an `ancient()` one, is to be made.
    """
    write_text(layout.plan, json.dumps(json.loads(plan), indent=1))


def digest(text: str) -> str:
    """Return the SHA-256 of a text, to be a parameter of a job in place of it."""
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def code_digest(*modules: str) -> str:
    """Return the SHA-256 of all code that the named modules import, to be a parameter of a job.

    Thousands of jobs have one such parameter instead of forty inputs each.
    """
    files = source_files(*modules)
    return digest("".join(f"{path}\n{Path(path).read_text('utf-8')}" for path in files))


def try_networks(layout: Layout, plan: str) -> None:
    """End here, before any job, if a network of the plan does not fit the images.

    Nothing is tried again as long as neither the networks nor their code change.
    """
    trials = {canonical(trial_of(planned["settings"])) for planned in json.loads(plan)}
    kinds = sorted({json.loads(trial)[0] for trial in trials})
    code = code_digest(
        "latentgrid.training.trial",
        f"latentgrid.data.sources.{layout.dataset}",
        *(f"latentgrid.models.{kind}" for kind in kinds),
    )
    key = digest(canonical(sorted(trials)) + code)
    if layout.tried.exists() and layout.tried.read_bytes() == key.encode():
        return
    command = [sys.executable, "-m", "latentgrid.training.trial", "--dataset", layout.dataset]
    if subprocess.run([*command, "--key", key], check=False).returncode:
        sys.exit("No run was started.")


def start_tracking(layout: Layout) -> None:
    """Keep MLflow up to date while this process lives, in a process beside it."""
    layout.logs.mkdir(parents=True, exist_ok=True)
    with (layout.logs / "tracking.log").open("w") as log:
        subprocess.Popen(
            [*_track(layout), "--follow", str(os.getpid())],
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def finish_tracking(layout: Layout) -> None:
    """Bring MLflow up to date; if it is not to be had, say so and go on."""
    subprocess.run(_track(layout), check=False)


def say_what_failed(workflow: Any, layout: Layout) -> None:
    """Show the end of the log of each failed job; Snakemake's own way of doing so is not quiet.

    On a full disk there is no log.
    """
    for job in workflow.scheduler.failed:
        for log in map(Path, job.log):
            lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
            said = "".join(f"\n    {line}" for line in lines[-LINES_OF_A_LOG:])
            print(f"failed: {log}{said}", file=sys.stderr, flush=True)
    if is_full(layout.results):
        print(NO_SPACE.format(layout.results), file=sys.stderr, flush=True)


def report_what_there_is(workflow: Any) -> None:
    """Call Snakemake again for the steps that gather, with the runs that did train.

    Only when every job was tried: after Ctrl-C, that call would train the runs that were left.
    """
    scheduler = workflow.scheduler
    interrupted = scheduler.open_jobs or scheduler.running
    if ONLY_FINISHED not in os.environ and not interrupted:
        print("Making the report from the runs that did train.", file=sys.stderr, flush=True)
        subprocess.run(
            [sys.executable, "-m", "snakemake", *sys.argv[1:], "--nolock"],
            env={**os.environ, ONLY_FINISHED: "1"},
            check=False,
        )


def _track(layout: Layout) -> list[str]:
    return [sys.executable, "-m", "latentgrid", "track", "--dataset", layout.dataset]
