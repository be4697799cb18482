"""What the Snakefile needs beside its rules."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from latentgrid import params
from latentgrid.errors import UserError
from latentgrid.files import write_text
from latentgrid.grid import Run
from latentgrid.paths import Layout, RunFiles

ONLY_FINISHED = "LATENTGRID_ONLY_FINISHED"


def use_this_python() -> None:
    """Let jobs run the Python that runs Snakemake, whether or not its environment is activated."""
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def load_params(workflow: Any) -> params.Params:
    """Return the parameters of `--configfile`, else of params.yaml, with `--config` over them.

    If something in them is wrong, Snakemake ends here: an exception would show a traceback.
    """
    given = workflow.config_settings
    try:
        return params.load(given.configfiles or [Path("params.yaml")], given.config)
    except UserError as error:
        sys.exit(f"error: {error}")


def runs_by_entry(layout: Layout, runs: dict[str, Run]) -> dict[str, list[RunFiles]]:
    """Return the files of the runs of each entry.

    When a report is made of what there is after a failure, only those of runs that trained.
    """
    found: dict[str, list[RunFiles]] = {}
    for name, run in runs.items():
        files = layout.run(name)
        if ONLY_FINISHED not in os.environ or files.outcome.exists():
            found.setdefault(run.entry, []).append(files)
    return found


def write_plan(plan: str, output: str, log: str) -> None:
    """Write the runs as JSON, and into the log how many there are."""
    write_text(Path(output), plan)
    Path(log).write_text(f"{len(json.loads(plan))} runs\n", encoding="utf-8")


def require_writable(layout: Layout) -> None:
    """End here, before any job, if the results or a folder in them may not be written."""
    folders = (layout.runs, layout.state, layout.logs, layout.tables, layout.figures)
    for folder in folders:
        place = next(path for path in (folder, *folder.parents) if path.exists())
        if not os.access(place, os.W_OK | os.X_OK):
            sys.exit(f"error: {place}: no permission to write there, where results are to go")


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
