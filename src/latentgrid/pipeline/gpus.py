"""The GPUs of this machine: how many jobs they take, and what is done before the first of them.

A job takes its slot on a GPU itself (`latentgrid.jobs.devices`). On a cluster with SLURM none of
this holds: there SLURM gives a job its GPU.
"""

import os
import sys
from typing import Any

import pynvml

from latentgrid.errors import UserError, plain_errors
from latentgrid.grid.schema import Training
from latentgrid.jobs import mps
from latentgrid.jobs.devices import visible_gpus
from latentgrid.jobs.mps import VISIBLE

# The resource of Snakemake's that a job asks for if it takes a slot on a GPU.
SLOT = "gpu_slot"


def limit_jobs(workflow: Any, training: Training) -> None:
    """Let no more jobs start than GPUs have slots: others would hold a core while they wait."""
    slots = len(_gpus(training)) * training.jobs_per_gpu
    if slots and workflow.local_exec:
        workflow.register_resource(SLOT, slots)


def prepare(workflow: Any, training: Training) -> None:
    """Look whether the GPUs exist, let jobs share them by CUDA's service, and say how they do.

    Nothing is done where no job uses one.
    """
    jobs = sum(bool(job.resources.get(SLOT)) for job in workflow.dag.needrun_jobs())
    gpus = _gpus(training)
    if not (jobs and gpus and workflow.local_exec):
        return
    with plain_errors():
        if VISIBLE in os.environ:
            gpus = full_names(gpus)
            os.environ[VISIBLE] = ",".join(gpus)
        shared = training.jobs_per_gpu
        how = mps.start(gpus, shared) if shared > 1 else ""
        if how.startswith(mps.IN_TURNS):
            _require_shareable(gpus)
    if how:
        print(f"GPUs: {shared} jobs on each of {len(gpus)}, {how}", file=sys.stderr)
    at_once = min(jobs, len(gpus) * shared)
    if workflow.cores < at_once:
        print(
            f"GPUs: they take {at_once} jobs at once, --cores {workflow.cores} starts no more "
            f"than {workflow.cores}; --cores {at_once} fills them (docs/performance.md)",
            file=sys.stderr,
        )


def _gpus(training: Training) -> list[str]:
    return [] if training.device == "cpu" else visible_gpus()


def full_names(gpus: list[str]) -> list[str]:
    """Return the UUIDs of GPUs, which mean the same in every list.

    They stay as they are where the driver does not tell, of parts of a GPU, and where it may count
    in another order than CUDA: CUDA begins with the fastest GPU, the driver with the first on the
    bus.

    Args:
        gpus: as CUDA_VISIBLE_DEVICES names them: by numbers, UUIDs or the beginnings of these.

    Raises:
        UserError: there is no such GPU.
    """
    try:
        pynvml.nvmlInit()
        handles = [
            pynvml.nvmlDeviceGetHandleByIndex(number)
            for number in range(pynvml.nvmlDeviceGetCount())
        ]
        uuids = [str(pynvml.nvmlDeviceGetUUID(handle)) for handle in handles]
        kinds = {pynvml.nvmlDeviceGetName(handle) for handle in handles}
    except pynvml.NVMLError:
        return gpus
    same_order = len(kinds) == 1 or os.environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID"
    names = dict.fromkeys(_full_name(gpu, uuids) for gpu in gpus)
    counted = [gpu for gpu in gpus if gpu.isdecimal()]
    divided = any(_is_divided(handle) for handle in handles)
    return gpus if counted and (divided or not same_order) else list(names)


def _full_name(gpu: str, uuids: list[str]) -> str:
    if gpu.startswith("MIG-"):
        return gpu
    if gpu.isdecimal():
        found = uuids[int(gpu) : int(gpu) + 1]
    else:
        found = [uuid for uuid in uuids if gpu.startswith("GPU-") and uuid.startswith(gpu)]
    if len(found) != 1:
        there = ", ".join(f"{number} ({uuid})" for number, uuid in enumerate(uuids))
        raise UserError(f"{VISIBLE}: found {gpu!r}; the GPUs here are {there or 'none'}")
    return found[0]


def _is_divided(handle: Any) -> bool:
    """Tell whether a GPU is divided into parts (MIG), which its own name does not tell apart."""
    try:
        return bool(pynvml.nvmlDeviceGetMigMode(handle)[0] == pynvml.NVML_DEVICE_MIG_ENABLE)
    except pynvml.NVMLError:
        return False


def _require_shareable(gpus: list[str]) -> None:
    """Find out whether GPUs take several processes without the service.

    Raises:
        UserError: one is set to take a single process.
    """
    for gpu in gpus:
        if _mode(gpu) == pynvml.NVML_COMPUTEMODE_EXCLUSIVE_PROCESS:
            raise UserError(
                f"the GPU {gpu} is in compute mode Exclusive_Process, in which jobs cannot take "
                f"turns: set training.jobs_per_gpu to 1"
            )


def _mode(gpu: str) -> int | None:
    """Return a GPU's compute mode, None if the driver does not tell it."""
    try:
        if gpu.isdecimal():
            handle = pynvml.nvmlDeviceGetHandleByIndex(int(gpu))
        else:
            handle = pynvml.nvmlDeviceGetHandleByUUID(gpu)
        return int(pynvml.nvmlDeviceGetComputeMode(handle))
    except pynvml.NVMLError:
        return None
