"""Slots on GPUs, with GPUs that exist only in CUDA_VISIBLE_DEVICES and processes that are real."""

import contextlib
import os
import select
import subprocess
import sys
from collections import Counter

import pytest
import torch

from latentgrid.errors import UserError
from latentgrid.jobs import devices
from latentgrid.training.determinism import compute_deterministically

HOLDER = """
import os, sys
from latentgrid.jobs.devices import take_device
place, slot = take_device(sys.argv[1], int(sys.argv[2]))
print(place, os.environ["CUDA_VISIBLE_DEVICES"], slot.lock_file, "torch" in sys.modules, flush=True)
sys.stdin.read()
"""
PATIENCE = 20


class Holder:
    """A process that takes a device and keeps it until it is told to go or killed."""

    def __init__(self, tmp_path, gpus, jobs_per_gpu):
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, "auto", str(jobs_per_gpu)],
            env={**os.environ, "CUDA_VISIBLE_DEVICES": gpus, "XDG_CACHE_HOME": str(tmp_path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def holds(self, seconds=PATIENCE):
        """GPU and slot, or None if there is none after so many seconds."""
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            return None
        place, gpu, slot, torch_imported = self.process.stdout.readline().split()
        assert (place, torch_imported) == ("cuda", "False")
        return gpu, slot

    def leave(self):
        self.process.stdin.close()
        assert self.process.wait(PATIENCE) == 0

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE)


@pytest.fixture
def start(tmp_path):
    with contextlib.ExitStack() as stack:

        def start_one(gpus="a,b,c", jobs_per_gpu=2):
            holder = Holder(tmp_path, gpus, jobs_per_gpu)
            stack.callback(holder.process.stdout.close)
            stack.callback(holder.kill)
            return holder

        yield start_one


def test_jobs_fill_the_gpus_evenly_and_a_killed_one_frees_its_slot(start, tmp_path):
    first = [start() for _ in range(3)]
    held = {holder: holder.holds() for holder in first}
    assert {gpu for gpu, _ in held.values()} == {"a", "b", "c"}

    second = [start() for _ in range(3)]
    held |= {holder: holder.holds() for holder in second}
    assert Counter(gpu for gpu, _ in held.values()) == {"a": 2, "b": 2, "c": 2}
    assert len({slot for _, slot in held.values()}) == 6
    assert all(slot.startswith(f"{tmp_path}/") for _, slot in held.values())

    late = start()
    assert late.holds(seconds=1) is None
    killed = second[0]
    killed.kill()
    assert late.holds() == held[killed]

    later = start()
    assert later.holds(seconds=1) is None
    first[1].leave()
    assert later.holds() == held[first[1]]


def test_a_gpu_that_left_the_list_takes_no_later_job(start):
    first = [start(gpus="a,b", jobs_per_gpu=1) for _ in range(2)]
    held = {holder.holds()[0]: holder for holder in first}
    held["b"].leave()
    late = start(gpus="a", jobs_per_gpu=1)
    assert late.holds(seconds=1) is None
    held["a"].leave()
    assert late.holds()[0] == "a"


def test_one_job_a_gpu(start):
    holders = [start(gpus="3, 7", jobs_per_gpu=1) for _ in range(2)]
    assert {holder.holds()[0] for holder in holders} == {"3", "7"}
    assert start(gpus="3, 7", jobs_per_gpu=1).holds(seconds=1) is None


def test_a_part_of_a_gpu_has_a_slot_though_its_name_has_slashes(start):
    gpu, slot = start(gpus="MIG-GPU-5c1/3/0", jobs_per_gpu=1).holds()
    assert gpu == "MIG-GPU-5c1/3/0"
    assert "/MIG" in slot


@pytest.fixture
def environment(monkeypatch, tmp_path):
    """Variables that take_device sets are put back afterwards."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name in ("OMP_NUM_THREADS", "CUBLAS_WORKSPACE_CONFIG"):
        monkeypatch.setenv(name, "as before")

    def visible(gpus):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", gpus)

    return visible


@pytest.mark.parametrize("gpus", ["", "-1", " ", ","])
def test_no_visible_gpu_means_one_cpu_thread(environment, gpus):
    environment(gpus)
    assert devices.take_device("auto", 1) == ("cpu", None)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == ""
    assert os.environ["OMP_NUM_THREADS"] == "1"


@pytest.mark.parametrize("gpus", ["", "-1"])
def test_cuda_without_a_gpu_is_refused(environment, gpus):
    environment(gpus)
    with pytest.raises(UserError, match=r"training\.device is cuda, but no GPU is visible"):
        devices.take_device("cuda", 1)


def test_cpu_leaves_the_gpus_to_others(environment, tmp_path):
    environment("a,b")
    assert devices.take_device("cpu", 1) == ("cpu", None)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == ""
    assert not list(tmp_path.rglob("*"))


def test_cuda_with_a_gpu_shows_the_process_that_gpu_alone(environment):
    slots = []
    for gpu in ("b", "a"):
        environment("b,a")
        place, slot = devices.take_device("cuda", 1)
        assert (place, os.environ["CUDA_VISIBLE_DEVICES"]) == ("cuda", gpu)
        assert slot.is_locked
        slots.append(slot)


def test_without_the_variable_the_driver_is_asked(environment, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(devices.pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(devices.pynvml, "nvmlDeviceGetCount", lambda: 3)
    assert devices.visible_gpus() == ["0", "1", "2"]

    def no_driver():
        raise devices.pynvml.NVMLError(devices.pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(devices.pynvml, "nvmlInit", no_driver)
    assert devices.visible_gpus() == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_torch_cannot_use_is_refused_in_a_line():
    with pytest.raises(UserError, match=r"torch can use no GPU here.* set training.device to cpu"):
        compute_deterministically("cuda")
