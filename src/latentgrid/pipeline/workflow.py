"""What the Snakefile needs beside its rules."""

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

import psutil
from grimp.exceptions import SourceSyntaxError

from latentgrid import provenance
from latentgrid.commands.doctor import SURVEY
from latentgrid.errors import UserError, one_line, printable
from latentgrid.files.aside import put_run_aside, take_back
from latentgrid.files.atomic import write_json, write_text
from latentgrid.files.layout import Layout
from latentgrid.files.links import refuse_links
from latentgrid.files.locks import is_held
from latentgrid.files.owners import require_writable, require_writable_below
from latentgrid.files.run_files import RunFiles
from latentgrid.grid import params
from latentgrid.grid.runs import Run, canonical, trial_of
from latentgrid.jobs import orders
from latentgrid.jobs.parent import WORKFLOW
from latentgrid.pipeline import mirror
from latentgrid.reference import published
from latentgrid.stamps import survey
from latentgrid.stamps.code import Code, code_of
from latentgrid.stamps.made import Digests, misfit

ONLY_FINISHED = "LATENTGRID_ONLY_FINISHED"
STOPPING = "LATENTGRID_STOPPING"
STOPPED = "stopped; the same command goes on"
JOB_MODULE = "latentgrid.jobs.client"
DRY_RUN = re.compile(r"-[a-zA-Z]*n[a-zA-Z]*|--dry-?run")
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


def is_full(folder: Path) -> bool:
    """Tell whether there is next to no space left on a folder's disk."""
    return shutil.disk_usage(folder).free < LEAST_SPACE


def load_params(workflow: Any) -> params.Params:
    """Return the parameters of `--configfile`, else of params.yaml, with `--config` over them.

    If something in them is wrong, Snakemake ends here: an exception would show a traceback.
    """
    given = workflow.config_settings
    try:
        return params.load(given.configfiles or [Path("params.yaml")], given.config_args)
    except UserError as error:
        sys.exit(f"error: {printable(str(error))}")


def require_files(paths: Iterable[str | Path]) -> None:
    """End here if a file of the project is missing: Snakemake would take it for nothing to do."""
    missing = [str(path) for path in paths if not Path(path).is_file()]
    if missing:
        sys.exit(f"error: {', '.join(missing)}: no such file; the workflow reads it")


def require_known_numbers() -> None:
    """End here if a published number is wrong: after all training it would be named too late."""
    try:
        published.numbers()
    except UserError as error:
        sys.exit(f"error: {printable(str(error))}")


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


CODES: dict[str, Code] = {}


def code(*modules: str) -> str:
    """Return the digest of the code of the named modules, to be the parameter `code` of a job."""
    try:
        found = code_of(*modules)
    except (SyntaxError, SourceSyntaxError, ValueError, OSError) as error:
        sys.exit(f"error: {one_line(error)}; the workflow runs this code")
    CODES[found.digest] = found
    return found.digest


def fingerprint_of_mirror(chosen: params.Params) -> str | None:
    """Return what the data step reads of `mirror:`, in one digest, or end here if it cannot be."""
    try:
        return mirror.fingerprint(chosen.dataset, chosen.mirror)
    except UserError as error:
        sys.exit(f"error: {error}")


def require_own_code() -> None:
    """End here if the code that is loaded is not this folder's, whose results it would make."""
    try:
        provenance.require_own_code()
    except UserError as error:
        sys.exit(f"error: {error}")


FITTING: set[str] = set()
MISFITS: list[survey.Finding] = []


def data_to_train(run: str, data: Sequence[Any]) -> Sequence[Any]:
    """Return the inputs of a training: none if its results fit.

    For Snakemake would train a run again that depends on images that were lost.
    """
    return [] if f"{survey.TRAIN}:{run}" in FITTING else data


def look_at_results(
    workflow: Any, layout: Layout, wildcards: Mapping[str, Iterable[str]]
) -> list[survey.Job]:
    """Compare what lies in the results with what would be made, and let Snakemake know.

    Returns:
        All jobs of the workflow.
    """
    jobs = survey.jobs(workflow.rules, layout, CODES, wildcards)
    findings = survey.survey(jobs, Digests())
    to_file = os.environ.get(SURVEY)
    if to_file:
        targets = [Path(path) for path in workflow.get_rule("all").input]
        wanted = survey.needed(jobs, targets)
        write_json(Path(to_file), survey.as_data(f for f in findings if f.job.name in wanted))
        sys.exit(0)
    # A dry run beside a workflow that runs leaves files to that one.
    if ONLY_FINISHED in os.environ or not is_held(layout.lock):
        findings = [_taken_back(finding, layout) for finding in findings]
        try:
            survey.set_dates(findings)
        except UserError as error:
            sys.exit(f"error: {error}")
    FITTING.update(finding.job.name for finding in findings if not finding.reason)
    for line in survey.sentences(findings, every_run=any(map(DRY_RUN.fullmatch, sys.argv))):
        print(line, file=sys.stderr, flush=True)
    MISFITS.extend(f for f in findings if f.reason and f.is_there and f.job.rule == survey.TRAIN)
    return jobs


def _taken_back(finding: survey.Finding, layout: Layout) -> survey.Finding:
    """Return a finding, that of a run which was put aside if it fits and this one does not."""
    if finding.job.rule != survey.TRAIN or not finding.reason:
        return finding
    run = layout.run(finding.job.name.partition(":")[2])

    def fits(folder: Path) -> bool:
        there = survey.elsewhere(finding.product, run.folder, folder)
        return not misfit(there, Digests())

    if take_back(layout, run, fits):
        return replace(finding, reason="")
    return finding


def put_misfits_aside(layout: Layout) -> None:
    """Move runs that are to be trained again out of the way; Snakemake would delete them first."""
    for finding in MISFITS:
        put_run_aside(layout, layout.run(finding.job.name.partition(":")[2]))


def failures(runs: Iterable[str], layout: Layout) -> list[Path]:
    """Return what says why runs failed, for a report of what there is."""
    if ONLY_FINISHED not in os.environ:
        return []
    return [path for run in runs if (path := layout.run(run).failure).exists()]


def write_orders(layout: Layout, jobs: Iterable[survey.Job]) -> None:
    """Write down for each job what it is to make, and by which code."""
    os.environ[orders.ORDERS] = str(layout.orders)
    by_name = {job.name: (job.products, job.code) for job in jobs}
    orders.write(layout.orders, by_name, layout.plan)


def try_networks(layout: Layout, plan: str) -> None:
    """End here, before any job, if a network of the plan does not fit the images.

    Nothing is tried again as long as neither the networks nor their code change.
    """
    trials = {canonical(trial_of(planned["settings"])) for planned in json.loads(plan)}
    kinds = sorted({json.loads(trial)[0] for trial in trials})
    tried = code_of(
        "latentgrid.training.trial",
        f"latentgrid.data.sources.{layout.dataset}",
        *(f"latentgrid.models.{kind}" for kind in kinds),
    )
    key = digest(canonical(sorted(trials)) + tried.digest)
    if layout.tried.exists() and layout.tried.read_bytes() == key.encode():
        return
    trial = ["latentgrid.training.trial", "--dataset", layout.dataset, "--key", key]
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


FOLLOWERS: list[subprocess.Popen[bytes]] = []


def start_tracking(layout: Layout) -> None:
    """Keep MLflow up to date until this process ends, however it ends, in a process beside it."""
    layout.logs.mkdir(parents=True, exist_ok=True)
    with layout.tracking_log.open("wb") as log:
        follower = subprocess.Popen(
            [sys.executable, "-m", "latentgrid", "track", "--dataset", layout.dataset, "--follow"],
            start_new_session=True,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
        )
    FOLLOWERS.append(follower)


def finish_tracking(layout: Layout) -> None:
    """Wait until MLflow is up to date, and show what is said of it; if it is not to be had, go on.

    Who stopped the workflow is not kept waiting.
    """
    if os.environ.get(STOPPING):
        return
    for follower in FOLLOWERS:
        said_before = _text_of(layout.tracking_log)
        follower.communicate()
        said = _text_of(layout.tracking_log).removeprefix(said_before)
        print(printable(said), end="", file=sys.stderr, flush=True)


def say_what_failed(workflow: Any, layout: Layout) -> None:
    """Show the end of the log of each failed job; Snakemake's own way of doing so is not quiet.

    On a full disk there is no log.
    """
    if os.environ.get(STOPPING):
        print(STOPPED, file=sys.stderr, flush=True)
        return
    for job in workflow.scheduler.failed:
        for log in map(Path, job.log):
            lines = _text_of(log).expandtabs().splitlines()[-LINES_OF_A_LOG:]
            said = "".join(f"\n    {line}" for line in lines)
            print(printable(f"failed: {log}{said}"), file=sys.stderr, flush=True)
    if is_full(layout.results):
        print(NO_SPACE.format(layout.results), file=sys.stderr, flush=True)


def _text_of(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""


def report_what_there_is(workflow: Any) -> None:
    """Call Snakemake again for the steps that gather, with the runs that did train.

    Only when every job was tried: after Ctrl-C, that call would train the runs that were left.
    """
    scheduler = workflow.scheduler
    interrupted = scheduler.open_jobs or scheduler.running or os.environ.get(STOPPING)
    if ONLY_FINISHED not in os.environ and not interrupted:
        print("Making the report from the runs that did train.", file=sys.stderr, flush=True)
        subprocess.run(
            [sys.executable, "-m", "snakemake", *sys.argv[1:], "--nolock"],
            env={**os.environ, ONLY_FINISHED: "1"},
            check=False,
        )
