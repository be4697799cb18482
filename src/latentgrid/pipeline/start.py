"""What is done before the first job: the workflow checks its folder, locks it, and sets it up."""

import contextlib
import fcntl
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any

import psutil

from latentgrid import provenance
from latentgrid.errors import plain_errors
from latentgrid.files.atomic import write_text
from latentgrid.files.layout import Layout
from latentgrid.files.links import refuse_links
from latentgrid.files.owners import require_writable, require_writable_below
from latentgrid.grid import catalogue, components
from latentgrid.grid.datasets import Source
from latentgrid.grid.runs import canonical, trial_of
from latentgrid.jobs import orders
from latentgrid.jobs.devices import NEEDS_GPU, visible_gpus
from latentgrid.jobs.parent import WORKFLOW
from latentgrid.pipeline.failure import FINISHED_ONLY, NO_SPACE, STOPPED, STOPPING, is_full
from latentgrid.pipeline.mirror import fingerprint_of_files
from latentgrid.pipeline.sources import digest
from latentgrid.stamps import survey
from latentgrid.stamps.code import code_of

JOB_MODULE = "latentgrid.jobs.client"


def use_this_python() -> None:
    """Let jobs run the Python that runs Snakemake, whether or not its environment is activated."""
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def name_this_workflow() -> None:
    """Tell jobs the process number of their workflow.

    A job that starts after its workflow was killed sees that it is gone, and ends.
    """
    os.environ[WORKFLOW] = str(os.getpid())


def require_own_code() -> None:
    """Refuse to run if Python has loaded the package from another folder than this project's."""
    with plain_errors():
        provenance.require_own_code()


def require_hooks() -> None:
    """Refuse --no-hooks: without them nobody writes the orders that each job needs."""
    if "--no-hooks" in sys.argv:
        sys.exit(
            "error: --no-hooks: jobs would not know what they are to make; call without it "
            "(-n shows what would run, and nothing is done before it)"
        )


def require_space() -> None:
    """Refuse to run on a full disk.

    Snakemake prints a traceback for each line that it cannot write to its log. That is switched
    off, also for a disk that fills up later: then the last message of the call says so.
    """
    logging.raiseExceptions = False
    if is_full(Path()):
        sys.exit(NO_SPACE.format(Path().absolute()))


def require_own_records() -> None:
    """Refuse to run if another user owns Snakemake's records; it would end with a traceback."""
    records = Path(".snakemake")
    with plain_errors():
        require_writable([records, *records.glob("*")])


def require_own_results(layout: Layout) -> None:
    """Refuse to run if results or data cannot be written, or lie behind a symbolic link."""
    with plain_errors():
        refuse_links(layout)
        for folder in (layout.results, layout.data):
            require_writable_below(folder)


def lock_results(layout: Layout) -> None:
    """Lock the data set's results until this process ends, or refuse to run if they are locked.

    The kernel keeps this lock and frees it when the process is killed. Snakemake's own lock is a
    file that a killed process leaves behind.
    """
    if FINISHED_ONLY not in os.environ:
        layout.results.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(layout.lock, os.O_CREAT | os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"error: {layout.results} is being made by another snakemake")


def clear_up(layout: Layout) -> None:
    """Delete half-written files, and give files that are dated in the future today's date.

    This process holds the lock, so nobody else is writing them. A file is dated in the future
    after the clock was set back, and Snakemake fails a job whose input is newer than its output.
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
    """Write the runs of this configuration to a file, for the steps that gather all of them.

    No rule does this. The file would be an input of other rules, and while an input is to be made
    again, Snakemake does not look whether a job's parameters have changed.
    """
    write_text(layout.plan, json.dumps(json.loads(plan), indent=1))


def write_orders(layout: Layout, jobs: Iterable[survey.Job]) -> None:
    """Write the order of each job: what it is to make, from what, and by which code."""
    os.environ[orders.ORDERS] = str(layout.orders)
    by_name = {job.name: (job.product, job.code) for job in jobs}
    orders.write(layout.orders, by_name, layout.plan)


def try_networks(layout: Layout, source: Source, plan: str) -> None:
    """Let each distinct network of the plan take one step, and end here if one does not fit.

    A key in a file remembers which networks were tried by which code, so that the next call need
    not try them again.
    """
    trials = {
        canonical([planned["entry"], trial_of(planned["settings"])]) for planned in json.loads(plan)
    }
    runs = (planned["settings"] for planned in json.loads(plan))
    named = {module for settings in runs for module in catalogue.modules_of(settings)}
    named |= {components.module_of(kind, name) for kind, name in components.of_plugins()}
    reads = components.module_of(*source.component)
    tried = code_of("latentgrid.steps.trial", reads, *sorted(named))
    files = fingerprint_of_files(source)
    key = digest(canonical([sorted(trials), source.text, files]) + tried.digest)
    if layout.tried.exists() and layout.tried.read_bytes() == key.encode():
        return
    trial = ["latentgrid.steps.trial", "--dataset", layout.dataset, "--source", source.text]
    trial += ["--key", key]
    # In a fork, like a job: importing torch takes longer than trying a few networks.
    if subprocess.run([sys.executable, "-m", JOB_MODULE, *trial], check=False).returncode:
        sys.exit("No run was started.")


def require_gpu(workflow: Any) -> None:
    """Refuse to train runs in stacks on this machine if it has no GPU; a cluster's nodes may.

    Args:
        workflow: Snakemake's.
    """
    device = workflow.globals["PARAMS"].training.device
    trained = any(job.rule.name == "train_stack" for job in workflow.dag.needrun_jobs())
    if trained and workflow.local_exec and (device == "cpu" or not visible_gpus()):
        sys.exit(f"error: {NEEDS_GPU}")


def stop_on_signals() -> None:
    """Let SIGTERM and SIGINT end the running jobs within seconds, and then this process.

    Snakemake alone would wait until they are done, if the signal was sent to it and not to them.
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
