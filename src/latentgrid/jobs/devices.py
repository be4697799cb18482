"""Where a job trains: a slot on a GPU if there is one, else one CPU thread.

Nothing here imports torch: a GPU is chosen through CUDA_VISIBLE_DEVICES, which CUDA reads once,
when it starts.
"""

import itertools
import os
import socket
import stat
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pynvml
from filelock import FileLock, Timeout

from latentgrid.errors import UserError
from latentgrid.files.owners import user_name

SECONDS_BETWEEN_LOOKS = 0.2
# What CUDA_VISIBLE_DEVICES ends its list with, or says for no GPU at all.
NONE = {"", "-1", "NoDevFiles"}
NEEDS_GPU = (
    "training.fused: several runs in one computation are faster on a GPU alone, and none is to be "
    "used here; set it to 1 (docs/performance.md)"
)
CPU = Path("/proc/cpuinfo")
# What x86 and ARM processors call instructions that multiply bfloat16.
MULTIPLIES_BFLOAT16 = {"amx_bf16", "avx512_bf16", "bf16"}


def take_device(wanted: str, jobs_per_gpu: int) -> tuple[str, FileLock | None]:
    """Choose the device of this process and hold it until the process ends.

    A slot is a file lock that the kernel releases when its holder dies, however it dies.

    Args:
        wanted: "auto", "cpu" or "cuda".
        jobs_per_gpu: how many jobs may share a GPU; those beyond wait for a slot.

    Returns:
        "cuda" or "cpu", and the lock of the slot, which lives as long as it is referenced.

    Raises:
        UserError: "cuda" is wanted and there is no GPU, or no folder can keep the slots.
    """
    gpus = [] if wanted == "cpu" else visible_gpus()
    if gpus:
        gpu, slot = _free_slot(gpus, jobs_per_gpu)
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        return "cuda", slot
    if wanted == "cuda":
        raise UserError(
            "training.device is cuda, but no GPU is visible here; set it to auto or cpu, "
            "or check `nvidia-smi` and CUDA_VISIBLE_DEVICES"
        )
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    os.environ["OMP_NUM_THREADS"] = "1"
    return "cpu", None


def slow_bfloat16(precisions: Iterable[str], wanted: str) -> str:
    """Return a line that warns of runs in bfloat16 on a CPU that does not multiply it, or "".

    Args:
        precisions: of the runs that are still to train.
        wanted: the device, "auto", "cpu" or "cuda".
    """
    slow = list(precisions).count("bfloat16")
    if not slow or wanted == "cuda" or (wanted == "auto" and visible_gpus()):
        return ""
    if multiplies_bfloat16():
        return ""
    runs = "1 run" if slow == 1 else f"{slow} runs"
    return (
        f"precision: {runs} in bfloat16, for which this machine's CPU has no instructions: they "
        f"take several times as long as in float32 (docs/performance.md)"
    )


def multiplies_bfloat16() -> bool:
    """Return whether the CPU has instructions for bfloat16, or does not say what it has."""
    if not CPU.exists():
        return True
    names = ("flags", "Features")  # of x86 and of ARM
    lines = [line for line in CPU.read_text("utf-8").splitlines() if line.startswith(names)]
    return not lines or not MULTIPLIES_BFLOAT16.isdisjoint(lines[0].split())


def visible_gpus() -> list[str]:
    """Return the GPUs this process may use, as CUDA_VISIBLE_DEVICES names them."""
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is not None:
        named = [gpu.strip() for gpu in allowed.split(",")]
        return list(itertools.takewhile(lambda gpu: gpu not in NONE, named))
    try:
        pynvml.nvmlInit()
        return [str(index) for index in range(pynvml.nvmlDeviceGetCount())]
    except pynvml.NVMLError:
        return []


def _unique_name(gpu: str) -> str:
    """Return a name by which all jobs of this machine know a GPU.

    A scheduler that shows each job one GPU calls it 0 in every one of them.
    """
    try:
        pynvml.nvmlInit()
        return str(pynvml.nvmlDeviceGetUUID(pynvml.nvmlDeviceGetHandleByIndex(int(gpu))))
    except (pynvml.NVMLError, ValueError):
        return gpu.replace("/", "_")


def slots_folder() -> Path:
    """Return the folder of this machine's slots, made if need be, where this user alone can write.

    It is in the user's cache, or for a time where the system keeps what is a user's own; never
    where all users may write, since whoever makes its name first would hold every slot.

    Raises:
        UserError: there is no such folder; the text says what is wrong with each place.
    """
    faults: list[str] = []
    for folder in _places():
        fault = _fault(folder)
        if fault is None:
            if faults:
                print(f"note: {'; '.join(faults)}; GPU slots are in {folder}", file=sys.stderr)
            return folder
        faults.append(f"{folder} {fault}")
    raise UserError(
        f"no place for GPU slots: {'; '.join(faults)}; set XDG_CACHE_HOME to a folder of yours"
    )


def _places() -> Iterator[Path]:
    # Homes are often shared between machines, whose GPUs are not.
    name = f"gpus-{socket.gethostname()}"
    cache = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    yield Path(cache, "latentgrid", name)
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    yield Path(runtime, "latentgrid", name)


def _fault(folder: Path) -> str | None:
    """Return why a folder cannot keep the slots, None if it can, and make it if it is missing."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        return "is no folder"
    except OSError as error:
        return f"cannot be made ({error.strerror})"
    found = folder.lstat()
    faults = {
        "is a link": stat.S_ISLNK(found.st_mode),
        f"belongs to {user_name(found.st_uid)}": found.st_uid != os.getuid(),
        "can be written by others": found.st_mode & (stat.S_IWGRP | stat.S_IWOTH),
        "cannot be written": not os.access(folder, os.W_OK | os.X_OK),
    }
    return next((fault for fault, applies in faults.items() if applies), None)


def _free_slot(gpus: list[str], jobs_per_gpu: int) -> tuple[str, FileLock]:
    """Wait for a slot; one round offers the first slot of every GPU before any second one."""
    folder = slots_folder()
    names = {gpu: _unique_name(gpu) for gpu in gpus}
    while True:
        for slot in range(jobs_per_gpu):
            for gpu in gpus:
                lock = FileLock(folder / f"{names[gpu]}.{slot}")
                try:
                    lock.acquire(timeout=0)
                except Timeout:
                    continue
                return gpu, lock
        time.sleep(SECONDS_BETWEEN_LOOKS)
