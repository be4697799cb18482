"""What is said of jobs that failed, and the report that is made of those that did not."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from latentgrid.errors import printable
from latentgrid.files.layout import Layout

# Set in the environment of a workflow that makes a report of the runs that finished, and no others.
FINISHED_ONLY = "LATENTGRID_ONLY_FINISHED"
STOPPING = "LATENTGRID_STOPPING"
STOPPED = "stopped; the same command goes on"
LINES_OF_A_LOG = 12
MIN_SPACE = 1_000_000  # bytes; no step can do with less
NO_SPACE = (
    "error: no space left on the disk of {}; free some, then run the same command again: "
    "what is done stays done"
)


def is_full(folder: Path) -> bool:
    """Tell whether less than MIN_SPACE is left on a folder's disk."""
    return shutil.disk_usage(folder).free < MIN_SPACE


def finished_only(runs: Iterable[str], layout: Layout) -> list[str]:
    """Return all runs; in the call that follows a failure, those that have a result."""
    return [
        run for run in runs if FINISHED_ONLY not in os.environ or layout.run(run).outcome.exists()
    ]


def failures(runs: Iterable[str], layout: Layout) -> list[Path]:
    """Return the files that say why runs failed, in the call that follows a failure."""
    if FINISHED_ONLY not in os.environ:
        return []
    return [path for run in runs if (path := layout.run(run).failure).exists()]


def say_what_failed(workflow: Any, layout: Layout) -> None:
    """Print the last lines of the log of each failed job, or that the disk is full.

    Snakemake would print whole logs, and its own commands with them.
    """
    if os.environ.get(STOPPING):
        print(STOPPED, file=sys.stderr, flush=True)
        return
    for job in workflow.scheduler.failed:
        for log in map(Path, job.log):
            lines = text_of(log).expandtabs().splitlines()[-LINES_OF_A_LOG:]
            said = "".join(f"\n    {line}" for line in lines)
            print(printable(f"failed: {log}{said}"), file=sys.stderr, flush=True)
    if is_full(layout.results):
        print(NO_SPACE.format(layout.results), file=sys.stderr, flush=True)


def text_of(log: Path) -> str:
    """Return what a job said; nothing if it has no log."""
    return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""


def report_what_there_is(workflow: Any) -> None:
    """Call Snakemake again to make tables, figures and report of the runs that have a result.

    This happens only when every job was tried. After Ctrl-C, nothing more is started.
    """
    scheduler = workflow.scheduler
    interrupted = scheduler.open_jobs or scheduler.running or os.environ.get(STOPPING)
    if FINISHED_ONLY not in os.environ and not interrupted:
        print("Making the report from the runs that did train.", file=sys.stderr, flush=True)
        subprocess.run(
            [sys.executable, "-m", "snakemake", *sys.argv[1:], "--nolock"],
            env={**os.environ, FINISHED_ONLY: "1"},
            check=False,
        )
