"""The workflow's jobs on a cluster with SLURM: what a node runs, and what SLURM says of it.

A node runs the command of a job's rule, as one machine does, but in a process of its own and not in
a fork. Several jobs may be grouped in one of SLURM's, which runs them one after another.
"""

import hashlib
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
from latentgrid.pipeline.failure import text_of
from latentgrid.stamps.made import Product, stamp_of

PROFILE = "profiles/slurm/config.yaml"
# What the profile says of a job, by the names that Snakemake's plugin for SLURM gives them.
ASKED = ("slurm_partition", "mem_mb", "runtime", "gres", "threads")
TO_SEE = "`sinfo -o '%P %l %c %m %G'` lists each partition's time, CPUs, memory and GPUs"
# How SLURM ended jobs that may come to an end when they go on from their last checkpoint.
TRIED_AGAIN = {"TIMEOUT", "NODE_FAIL", "BOOT_FAIL", "PREEMPTED"}
ENDED = {
    "TIMEOUT": f"took longer than its runtime of {{runtime}} minutes; set more in {PROFILE}",
    "OUT_OF_MEMORY": f"needed more than its mem_mb of {{mem_mb}}; set more in {PROFILE}",
    "DEADLINE": "reached its deadline",
    "NODE_FAIL": "lost its node",
    "BOOT_FAIL": "lost its node",
    "CANCELLED": "was cancelled",
}
STATUS = re.compile(r"SLURM status is: '(\w+)")
KILLED_FOR_MEMORY = re.compile(r"exceeded memory limit|oom[-_ ]kill", re.IGNORECASE)
MINUTES = re.compile(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)")
SECONDS_TO_ANSWER = 60
SECONDS_TO_END = 120  # a job has half a minute to write down its epoch
# A job whose last stamp is there is done, so that a script that SLURM starts again goes on where it
# was. A job that needs what another of the script failed to make is left out. SIGTERM, which every
# process gets at the end of its time, lets the running job end and no other begin.
SCRIPT = """\
unset {unset}
{hide_gpus}
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
        stamps = [str(stamp_of(path)) for path in products[one.params.job].outputs]
        # Pages of the documentation have none: they are made whenever they are asked for.
        made = stamps[-1] if stamps else ""
        needed = [str(file) for file in one.input if file in within]
        command = f"set -euo pipefail; {one.shellcmd}"
        lines.append(shlex.join(["job", made, command, *needed]))
    script = SCRIPT.format(
        unset=f"{SERVER} {WORKFLOW}",
        # Not every cluster keeps a job from GPUs that it did not ask for.
        hide_gpus="" if _asks_for_gpu(job) else "export CUDA_VISIBLE_DEVICES=",
        jobs="\n".join(lines),
    )
    return f"exec bash -c {shlex.quote(script)}"


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


def _asks_for_gpu(job: Any) -> bool:
    # What `slurm_extra` says is put into sbatch's call as it stands, as --gpus-per-node=1.
    said = f"{job.resources.get('gres', '')} {job.resources.get('slurm_extra', '')}"
    return "gpu" in said or bool(job.resources.get("gpu"))


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


def require_partition(job: Any) -> None:
    """Find out whether the profile says in which partition a job runs.

    Raises:
        UserError: it does not.
    """
    if not job.resources.get("slurm_partition"):
        raise UserError(
            f"{rule_of(job)}: has no slurm_partition; set it below default-resources or "
            f"set-resources in {PROFILE}; {TO_SEE}"
        )


def require_accepted(job: Any, submission: str) -> None:
    """Find out whether SLURM would ever run a job.

    Args:
        job: of Snakemake's.
        submission: the command that submits it, `sbatch` with all options and no script.

    Raises:
        UserError: SLURM refuses what the profile says of the job, or it says more time than its
            partition gives.
    """
    asked = _asked(job)
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
    """Return how the names of a folder's and data set's jobs in SLURM's queue begin.

    It is made of letters and digits, as `squeue --name` takes a list with commas.
    """
    return f"latentgrid-{hashlib.sha256(bytes(layout.results.absolute())).hexdigest()[:12]}"


def end_what_was_left(layout: Layout) -> None:
    """Cancel jobs that a killed call left in the queue, and wait until they are gone.

    They would write the same files as this call's. If another call still runs, they are its own.

    Raises:
        UserError: they do not end.
    """
    left = _left(layout)
    if not left or is_held(layout.lock):
        return
    print(f"ending what an earlier call left in SLURM's queue: {' '.join(left)}", file=sys.stderr)
    _slurm("scancel", *left)
    give_up = time.monotonic() + SECONDS_TO_END
    while _left(layout):
        if time.monotonic() > give_up:
            raise UserError(f"SLURM's jobs {', '.join(left)} of an earlier call do not end")
        time.sleep(1)


def _left(layout: Layout) -> list[str]:
    rows = _slurm("squeue", "--me", "--noheader", "--format", "%i %j").splitlines()
    jobs = [row.split(maxsplit=1) for row in rows]
    return [number for number, name in jobs if name.startswith(job_name(layout))]


def status_of(said: str, log: Path | None) -> str:
    """Return how SLURM ended a job, as in its list of job state codes; "" if it did not say.

    Args:
        said: by Snakemake's plugin.
        log: what SLURM wrote of the job, if it took it. A job that was killed for its memory may be
            called failed.
    """
    found = STATUS.search(said)
    if found and log and KILLED_FOR_MEMORY.search(text_of(log)):
        return "OUT_OF_MEMORY"
    return found[1] if found else ""


def how_it_ended(job: Any, number: str | None, status: str) -> str:
    """Return in a line why SLURM ended a job and what to do; "" if it ended by itself."""
    if status not in ENDED:
        return ""
    how = ENDED[status].format(**{"mem_mb": "?", "runtime": "?"} | _asked(job))
    again = "; it goes on in another" if may_go_on(job, status) else ""
    return f"{', '.join(_names(in_order(job)))}: SLURM's job {number} {how}{again}"


def may_go_on(job: Any, status: str) -> bool:
    """Tell whether a job that SLURM ended is tried again, as often as the profile's retries say."""
    return status in TRIED_AGAIN and job.restart_times > job.attempt - 1


def _names(jobs: Iterable[Any], most: int = 3) -> list[str]:
    names = [str(job.params.job) for job in jobs]
    return [*names[:most], *([f"{len(names) - most} more"] if len(names) > most else [])]


def _slurm(*command: str) -> str:
    return subprocess.run(
        command, capture_output=True, encoding="utf-8", check=True, timeout=SECONDS_TO_ANSWER
    ).stdout


def _said(error: subprocess.SubprocessError) -> str:
    """Return the last line of what a command of SLURM's said."""
    said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
    return one_line(said[-1] if said else error)
