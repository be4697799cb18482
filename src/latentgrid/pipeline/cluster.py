"""The workflow's jobs on a cluster with SLURM: what a node runs, and what SLURM says of it.

A node runs the command of a job's rule, as one machine does, but in a process of its own instead of in a
fork. Several jobs may be grouped in one of SLURM's, which runs them one after another.
"""

import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from latentgrid.errors import UserError, one_line
from latentgrid.files.layout import Layout
from latentgrid.files.locks import is_held
from latentgrid.jobs.client import SERVER
from latentgrid.jobs.parent import WORKFLOW
from latentgrid.stamps.made import Product, stamp_of

PROFILE = "profiles/slurm/config.yaml"
# What the profile says of a job, by the names that Snakemake's plugin for SLURM gives them.
ASKED = ("slurm_partition", "mem_mb", "runtime", "gres", "threads")
TO_SEE = "`sinfo -o '%P %l %c %m %G'` lists each partition's time, CPUs, memory and GPUs"
# How SLURM ended jobs that may come to an end when they go on from their last checkpoint.
TRIED_AGAIN = {"TIMEOUT", "NODE_FAIL", "BOOT_FAIL", "PREEMPTED"}
ENDED = {
    "TIMEOUT": "took longer than its runtime of {runtime} minutes; set-resources allows more",
    "OUT_OF_MEMORY": "needed more than its mem_mb of {mem_mb}; set-resources allows more",
    "NODE_FAIL": "lost its node",
    "BOOT_FAIL": "lost its node",
    "CANCELLED": "was cancelled",
}
MINUTES = re.compile(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)")
SECONDS_TO_ANSWER = 60
SECONDS_TO_END = 120  # a job has half a minute to write down its epoch
# A job is made when its last stamp is there, which SLURM's second attempt at the same script heeds. A
# job that needs what a failed one of the script should have made is left out. SIGTERM, which all
# processes get at the end of their time, lets the running job end and no other begin.
SCRIPT = """\
unset {unset}
failed=0
stopped=
trap 'stopped=yes' TERM
job() {{
  made=$1 command=$2
  shift 2
  if [ -n "$stopped" ] || [ -e "$made" ]; then return; fi
  for needed; do [ -e "$needed" ] || return; done
  bash -c "$command" || failed=1
}}
{jobs}
[ -z "$stopped" ] || failed=1
exit $failed
"""


def in_order(job: Any) -> list[Any]:
    """Return the jobs of a group in the order of their dependencies; a single job as it is."""
    return [one for level in job.toposorted for one in level] if job.is_group() else [job]


def command_of(job: Any, products: Mapping[str, Product]) -> str:
    """Return the command that makes what a job or group of Snakemake's makes, for any shell.

    Args:
        job: of Snakemake's.
        products: what each job makes, by the job's parameter `job`.
    """
    within = {file for one in in_order(job) for file in one.output}
    lines = []
    for one in in_order(job):
        made = stamp_of(products[one.params.job].outputs[-1])
        needed = [file for file in one.input if file in within]
        command = f"set -euo pipefail; {one.shellcmd}"
        lines.append(shlex.join(["job", str(made), command, *map(str, needed)]))
    script = SCRIPT.format(unset=f"{SERVER} {WORKFLOW}", jobs="\n".join(lines))
    return shlex.join(["exec", "bash", "-c", script]).replace("'exec'", "exec")


def make_way(job: Any, product: Product) -> None:
    """Delete what a single job is to make, and its stamps, and make the folders of its files."""
    job.dag.workflow.async_run(job.remove_existing_output())
    for path in product.outputs:
        stamp_of(path).unlink(missing_ok=True)
    for file in (*job.output, *job.log):
        file.prepare()


def rule_of(job: Any) -> str:
    """Return the name of a job's rule, or those of a group."""
    return ", ".join(sorted({one.rule.name for one in in_order(job)}))


def kinds_of(dag: Any) -> Iterator[Any]:
    """Yield, of the jobs and groups that will run, one for each rule and what it asks of SLURM."""
    seen = set()
    for single in dag.needrun_jobs():
        job = dag.get_job_group(single) or single
        asked = (rule_of(job), tuple(_asked(job).items()))
        if not job.is_local and single.rule.shellcmd and asked not in seen:
            seen.add(asked)
            yield job


def _asked(job: Any) -> dict[str, Any]:
    values = {name: job.resources.get(name) for name in ASKED}
    values["threads"] = job.threads
    return {name: value for name, value in values.items() if value is not None}


def require_slurm() -> None:
    """Find out whether this machine can submit jobs.

    Raises:
        UserError: it cannot.
    """
    try:
        _slurm("sinfo", "--noheader")
    except FileNotFoundError:
        raise UserError(
            "SLURM's commands are not on this machine; call Snakemake where sbatch works, or "
            "without --profile profiles/slurm"
        ) from None
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise UserError(f"SLURM does not answer: {_said(error)}") from None


def require_accepted(job: Any, submission: str) -> None:
    """Find out whether SLURM would ever run a job.

    Args:
        job: of Snakemake's.
        submission: the command that submits it, `sbatch` with all options and no script.

    Raises:
        UserError: SLURM refuses what the profile says of the job, which says no partition, or more
            time than its partition gives.
    """
    asked = _asked(job)
    if "slurm_partition" not in asked:
        raise UserError(
            f"{rule_of(job)}: has no slurm_partition; set it below default-resources or "
            f"set-resources in {PROFILE}; {TO_SEE}"
        )
    words = shlex.split(submission)
    try:
        _slurm(words[0], "--test-only", *words[1:], "--wrap", "true")
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        shown = " ".join(f"{name}={value}" for name, value in asked.items())
        raise UserError(
            f"{rule_of(job)}: SLURM refuses {shown}: {_said(error)}; set other values in "
            f"{PROFILE}; {TO_SEE}"
        ) from None
    longest = _longest(asked["slurm_partition"])
    if longest is not None and asked.get("runtime", 0) > longest:
        raise UserError(
            f"{rule_of(job)}: runtime={asked['runtime']} is more minutes than the partition "
            f"{asked['slurm_partition']} gives, {longest}: set less in {PROFILE}, or fewer jobs of "
            f"a group below group-components"
        )


def _longest(partition: str) -> int | None:
    """Return how many minutes a job may take in a partition; None where there is no limit."""
    limit = _slurm("sinfo", "--noheader", "--partition", partition, "--format", "%l").split()[0]
    found = MINUTES.fullmatch(limit)
    if not found:
        return None
    days, hours, minutes, _ = (int(part or 0) for part in found.groups())
    return (days * 24 + hours) * 60 + minutes


def job_name(layout: Layout) -> str:
    """Return how the names of a data set's jobs in SLURM's queue begin."""
    return f"latentgrid-{layout.dataset}-"


def end_what_was_left(layout: Layout) -> None:
    """Cancel this folder's jobs that a killed call left in the queue, and wait until they are gone.

    They would write the same files as those of this call. If another call runs, they are its own.

    Raises:
        UserError: they do not end.
    """
    left = _left(layout)
    if not left or is_held(layout.lock):
        return
    print(f"ending {len(left)} jobs that an earlier call left in SLURM's queue", file=sys.stderr)
    _slurm("scancel", *left)
    give_up = time.monotonic() + SECONDS_TO_END
    while _left(layout):
        if time.monotonic() > give_up:
            raise UserError(f"SLURM's jobs {', '.join(left)} of an earlier call do not end")
        time.sleep(1)


def _left(layout: Layout) -> list[str]:
    rows = _slurm("squeue", "--me", "--noheader", "--format", "%i %j %Z").splitlines()
    jobs = (row.split(maxsplit=2) for row in rows)
    here = str(Path().absolute())
    return [i for i, name, folder in jobs if name.startswith(job_name(layout)) and folder == here]


def how_it_ended(job: Any, number: str | None, status: str) -> str:
    """Return in a line how SLURM ended a job that did not end by itself, and what to do."""
    how = ENDED.get(status, f"ended as {status}").format(**{"mem_mb": "?", "runtime": "?"} | _asked(job))
    names = ", ".join(_names(in_order(job)))
    again = job.restart_times > job.attempt - 1 and status in TRIED_AGAIN
    return f"{names}: SLURM's job {number} {how}{'; it goes on in another' if again else ''}"


def _names(jobs: Iterable[Any], most: int = 3) -> list[str]:
    names = [str(job.params.job) for job in jobs]
    return [*names[:most], *([f"{len(names) - most} more"] if len(names) > most else [])]


def _slurm(*command: str) -> str:
    return subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=SECONDS_TO_ANSWER
    ).stdout


def _said(error: subprocess.SubprocessError) -> str:
    """Return the last line of what a command of SLURM's said."""
    said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
    return one_line(said[-1] if said else error)
