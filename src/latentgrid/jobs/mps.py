"""CUDA's Multi-Process Service (MPS): jobs that share a GPU run side by side instead of in turns.

The service is a daemon, `nvidia-cuda-mps-control`, that CUDA programs look for when they start. A
process beside the workflow keeps one of the workflow's own, and ends it when the workflow ends.
Source of what is said here about it: NVIDIA, Multi-Process Service, docs.nvidia.com/deploy/mps.
"""

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from latentgrid.errors import UserError, one_line
from latentgrid.jobs.parent import die_with_parent

CONTROL = "nvidia-cuda-mps-control"
PIPES = "CUDA_MPS_PIPE_DIRECTORY"
LOGS = "CUDA_MPS_LOG_DIRECTORY"
VISIBLE = "CUDA_VISIBLE_DEVICES"
UUIDS = ("GPU-", "MIG-")
DEFAULT_PIPES = Path("/tmp/nvidia-mps")  # noqa: S108 (NVIDIA's choice, not ours)
# The environment variable that says whether to start one.
SWITCH = "LATENTGRID_MPS"
# Of a GPU since Volta; 60 since CUDA 13.1. One more fails to start.
MOST_JOBS = 48
SECONDS_TO_START = 10.0
SECONDS_TO_CONNECT = 60.0
SECONDS_TO_END = 10.0
SIDE_BY_SIDE = "side by side by CUDA's Multi-Process Service"
IN_TURNS = "in turns, without CUDA's Multi-Process Service"
READY = "ready"


def start(gpus: Sequence[str], jobs_per_gpu: int) -> str:
    """Lead the jobs of this process to a service: one that runs already, or one of their own.

    One of their own ends with this process, however that ends.

    Args:
        gpus: that jobs use: those of CUDA_VISIBLE_DEVICES, or all.
        jobs_per_gpu: how many share one.

    Returns:
        How jobs share a GPU, in words that follow "4 jobs on a GPU, ".

    Raises:
        UserError: more jobs than a service takes, or LATENTGRID_MPS is no switch.
    """
    running = _running()
    fault = None if running else _fault(gpus)
    if fault:
        return f"{IN_TURNS}: {fault}"
    if jobs_per_gpu > MOST_JOBS:
        raise UserError(
            f"training.jobs_per_gpu: found {jobs_per_gpu}; CUDA's Multi-Process Service takes "
            f"{MOST_JOBS} jobs on a GPU: set no more"
        )
    if running:
        return f"{SIDE_BY_SIDE}, which runs in {running}"
    fault = _start_own(len(gpus))
    return f"{IN_TURNS}: {fault}" if fault else SIDE_BY_SIDE


def _fault(gpus: Sequence[str]) -> str | None:
    """Return why no service can be started, None if one can.

    Raises:
        UserError: LATENTGRID_MPS is no switch.
    """
    switch = os.environ.get(SWITCH, "on")
    if switch not in {"on", "off"}:
        raise UserError(f"{SWITCH}: found {switch!r}; allowed: on, off")
    numbers = VISIBLE in os.environ and not all(gpu.startswith(UUIDS) for gpu in gpus)
    parts = len(gpus) > 1 and any(gpu.startswith("MIG-") for gpu in gpus)
    faults = {
        f"{SWITCH} is off": switch == "off",
        f"{CONTROL} is not on PATH": not shutil.which(CONTROL),
        f"{PIPES} is set, and no service is seen there": PIPES in os.environ,
        # A service that has a list counts its GPUs from 0, so that a number means another GPU to
        # its clients than to it. NVIDIA recommends UUIDs, which mean the same to both.
        f"it needs GPUs by UUID; set {VISIBLE} to those of nvidia-smi -L": numbers,
        # A process can use one part of a GPU, and so can a service.
        "it serves one part of a GPU (MIG), not several": parts,
    }
    return next((fault for fault, applies in faults.items() if applies), None)


def _running() -> Path | None:
    """Return the folder of the service that CUDA programs would find, None if there is none."""
    folder = Path(os.environ.get(PIPES) or DEFAULT_PIPES)
    with suppress(OSError, ValueError, psutil.Error):
        process = psutil.Process(int((folder / f"{CONTROL}.pid").read_text("utf-8")))
        # Linux keeps 15 letters of a name.
        if process.name()[:15] == CONTROL[:15]:
            return folder
    return None


def _start_own(gpus: int) -> str:
    """Start a process that keeps a service, and put its address into the environment of jobs.

    Returns:
        Why it did not start, "" if it did.
    """
    # NVIDIA recommends a local folder such as /tmp for the sockets; nobody else may enter this one.
    folder = Path(tempfile.mkdtemp(prefix="latentgrid-mps-"))
    address = {PIPES: str(folder / "pipes"), LOGS: str(folder / "logs")}
    keeper = subprocess.Popen(
        [sys.executable, "-m", "latentgrid.jobs.mps", str(gpus)],
        env=os.environ | address,
        start_new_session=True,  # Ctrl-C is for jobs, which need the service until they end
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    assert keeper.stdout is not None
    said = keeper.stdout.readline().strip()
    if said != READY:
        keeper.communicate()
        return f"it did not start ({said or 'killed'})"
    atexit.register(keeper.communicate)
    os.environ |= address
    return ""


def main() -> None:
    """Keep a service until standard input ends, which it does with the workflow."""
    folder = Path(os.environ[PIPES]).parent
    try:
        for variable in (PIPES, LOGS):
            Path(os.environ[variable]).mkdir(mode=0o700)
        with (folder / "said").open("wb") as said:
            # In a group of its own, as servers that it starts may outlive it.
            daemon = subprocess.Popen(
                [CONTROL, "-f"],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                preexec_fn=die_with_parent,  # noqa: PLW1509 (there are no threads)
                process_group=0,
            )
        try:
            fault = _start_fault(daemon, folder)
            print(fault or READY, flush=True)
            if not fault:
                sys.stdin.read()
        finally:
            _end(daemon)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start_fault(daemon: subprocess.Popen[bytes], folder: Path) -> str | None:
    """Wait until CUDA programs can use the service, and return why they cannot, if so."""
    pipes = Path(os.environ[PIPES])
    give_up = time.monotonic() + SECONDS_TO_START
    while not (pipes / f"{CONTROL}.pid").exists() and not (pipes / "control").exists():
        if daemon.poll() is not None:
            lines = (folder / "said").read_text("utf-8", "replace").split("\n")
            return one_line(" ".join(lines).strip() or f"exit status {daemon.returncode}")
        if time.monotonic() > give_up:
            return f"nothing in {SECONDS_TO_START:.0f} seconds"
        time.sleep(0.05)
    return _client_fault()


def _client_fault() -> str | None:
    """Return why a CUDA program cannot use the service, None if it can.

    A service that cannot serve, as in a container that shares too little, is found by its clients.
    """
    client = [sys.executable, "-m", "latentgrid.jobs.cuda_client", sys.argv[1]]
    try:
        done = subprocess.run(
            client, capture_output=True, encoding="utf-8", check=False, timeout=SECONDS_TO_CONNECT
        )
    except subprocess.TimeoutExpired:
        return f"no answer in {SECONDS_TO_CONNECT:.0f} seconds"
    return one_line(done.stdout) if done.returncode else None


def _end(daemon: subprocess.Popen[bytes]) -> None:
    """End the daemon and the servers that it started."""
    with suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(
            [CONTROL],
            input=b"quit\n",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS_TO_END,
            check=False,
        )
        daemon.wait(SECONDS_TO_END)
    with suppress(ProcessLookupError):
        os.killpg(daemon.pid, signal.SIGKILL)
    daemon.wait()


if __name__ == "__main__":
    main()
