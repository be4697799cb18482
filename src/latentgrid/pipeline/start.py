"""What is done before the first job: the workflow checks its folder, locks it, and sets it up."""

import contextlib
import fcntl
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from types import FrameType

import psutil

from latentgrid import provenance
from latentgrid.errors import UserError
from latentgrid.files.atomic import write_text
from latentgrid.files.layout import Layout
from latentgrid.files.links import refuse_links
from latentgrid.files.locks import is_held
from latentgrid.files.owners import require_writable, require_writable_below
from latentgrid.grid import catalogue, components
from latentgrid.grid.runs import canonical, trial_of
from latentgrid.jobs import orders
from latentgrid.jobs.parent import WORKFLOW
from latentgrid.pipeline.failure import FINISHED_ONLY, NO_SPACE, STOPPED, STOPPING, is_full
from latentgrid.pipeline.sources import digest
from latentgrid.stamps import survey
from latentgrid.stamps.code import code_of

JOB_MODULE = "latentgrid.jobs.client"


def use_this_python() -> None:
    """Let jobs run the Python that runs Snakemake, whether or not its environment is activated."""
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def name_this_workflow() -> None:
    """Let jobs know whose they are, so that they end if it ended before they had begun."""
    os.environ[WORKFLOW] = str(os.getpid())


def require_own_code() -> None:
    """End here if the code that is loaded is not this folder's, whose results it would make."""
    try:
        provenance.require_own_code()
    except UserError as error:
        sys.exit(f"error: {error}")


def require_hooks() -> None:
    """End here if the call leaves out what is done before the first job."""
    if "--no-hooks" in sys.argv:
        sys.exit(
            "error: --no-hooks: jobs would not know what they are to make; call without it "
            "(-n shows what would run, and nothing is done before it)"
        )


def require_space() -> None:
    """End here if the disk is full; Snakemake would say so with a traceback for each line it logs.

    Should it fill up later, the lines that its log then lacks are no news.
    """
    logging.raiseExceptions = False
    if is_full(Path()):
        sys.exit(NO_SPACE.format(Path().absolute()))


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


def lock_results(layout: Layout) -> None:
    """Hold the data set's results for as long as this process lives, or end here.

    Unlike Snakemake's own locks this one is the kernel's: a kill frees it.
    """
    if FINISHED_ONLY not in os.environ:
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


def clear_state(layout: Layout, runs: Iterable[str]) -> None:
    """Delete what runs that are done would go on from; they were killed before they could.

    Args:
        layout: of the data set.
        runs: those whose results fit.
    """
    for run in map(layout.run, runs):
        if run.state.exists() and not is_held(run.lock):
            shutil.rmtree(run.state)


def write_plan(layout: Layout, plan: str) -> None:
    """Write down the runs of this configuration, for the steps that gather all of them.

    Not by a rule: a rule's output is an input to others, and Snakemake does not look whether the
    parameters of a job have changed while an input of it, even an `ancient()` one, is to be made.
    """
    write_text(layout.plan, json.dumps(json.loads(plan), indent=1))


def write_orders(layout: Layout, jobs: Iterable[survey.Job]) -> None:
    """Write down for each job what it is to make, and by which code."""
    os.environ[orders.ORDERS] = str(layout.orders)
    by_name = {job.name: (job.product, job.code) for job in jobs}
    orders.write(layout.orders, by_name, layout.plan)


def try_networks(layout: Layout, plan: str) -> None:
    """End here, before any job, if a network of the plan does not fit the images.

    Nothing is tried again as long as neither the networks nor their code change.
    """
    trials = {canonical(trial_of(planned["settings"])) for planned in json.loads(plan)}
    runs = (planned["settings"] for planned in json.loads(plan))
    named = {module for settings in runs for module in catalogue.modules_of(settings)}
    named |= {components.module_of(kind, name) for kind, name in components.of_plugins()}
    source = components.module_of("datasets", layout.dataset)
    tried = code_of("latentgrid.steps.trial", source, *sorted(named))
    key = digest(canonical(sorted(trials)) + tried.digest)
    if layout.tried.exists() and layout.tried.read_bytes() == key.encode():
        return
    trial = ["latentgrid.steps.trial", "--dataset", layout.dataset, "--key", key]
    # As a fork, like the jobs: to import torch takes longer than to try a few networks.
    if subprocess.run([sys.executable, "-m", JOB_MODULE, *trial], check=False).returncode:
        sys.exit("No run was started.")


def stop_on_signals() -> None:
    """Let SIGTERM and SIGINT, also to this process alone, end the running jobs within seconds.

    Snakemake would wait for them to end by themselves.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        if not os.environ.get(STOPPING):
            os.environ[STOPPING] = "1"
            for process in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    if JOB_MODULE in process.cmdline():
                        process.terminate()
            raise SystemExit(STOPPED)

    for number in (signal.SIGTERM, signal.SIGINT):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop)
