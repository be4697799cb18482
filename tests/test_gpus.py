"""Several GPUs that exist in CUDA_VISIBLE_DEVICES alone, filled by a workflow of Snakemake's."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from latentgrid.errors import UserError
from latentgrid.grid.schema import Training
from latentgrid.jobs import mps
from latentgrid.pipeline import gpus
from project import ROOT, TINY, call, copy_project, write_params
from standin_mps import CONTROL, has_driver

SNAKEFILE = """
import os
from latentgrid.grid.schema import Training
from latentgrid.pipeline import gpus

TRAINING = Training(jobs_per_gpu=2)
gpus.limit_jobs(workflow, TRAINING)

rule all:
    input: expand("trained/{n}", n=range(10))

rule train:
    output: "trained/{n}"
    resources: gpu_slot=1
    shell: "exec python train.py {output}"

onstart:
    gpus.prepare(workflow, TRAINING)
"""
TRAIN = """
import json, os, sys, time
from latentgrid.jobs.devices import take_device
asked = time.time()
device, slot = take_device("auto", 2)
began = time.time()
os.makedirs("beginnings", exist_ok=True)
open(f"beginnings/{os.getpid()}", "w").close()
while len(os.listdir("beginnings")) < 4:  # a job for each slot
    time.sleep(0.01)
time.sleep(0.2)
place = [device, os.environ["CUDA_VISIBLE_DEVICES"], os.environ["CUDA_MPS_PIPE_DIRECTORY"]]
with open(sys.argv[1], "w") as file:
    json.dump([*place, slot.lock_file, asked, began, time.time()], file)
"""
UUIDS = ["GPU-aa-1", "GPU-ab-2", "GPU-b-3"]


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with two GPUs and a service that serves nobody."""
    program = tmp_path / "bin" / mps.CONTROL
    program.parent.mkdir()
    program.write_text(CONTROL)
    program.chmod(0o755)
    monkeypatch.setenv(
        "PATH", f"{program.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    )
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-1,GPU-2")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(mps.PIPES, raising=False)
    if has_driver():
        pytest.skip("CUDA is here, and its GPUs are others")


def most_at_once(intervals):
    """Return how many of the intervals [begin, end) overlap at most."""
    steps = [(begin, 1) for begin, _ in intervals] + [(end, -1) for _, end in intervals]
    return max(itertools.accumulate(step for _, step in sorted(steps)))


@pytest.mark.slow
def test_gpus_are_filled_and_no_job_holds_a_core_to_wait_for_one(machine, tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "train.py").write_text(TRAIN)
    done = subprocess.run(
        ["snakemake", "--cores", "6", "--quiet", "rules"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"GPUs: 2 jobs on each of 2, {mps.SIDE_BY_SIDE}\n" in done.stderr
    assert "fills them" not in done.stderr

    files = (tmp_path / "trained").iterdir()
    devices, names, services, slots, asked, began, ended = zip(
        *(json.loads(file.read_text()) for file in files), strict=True
    )
    assert set(devices) == {"cuda"}
    assert set(names) == {"GPU-1", "GPU-2"}
    assert most_at_once(list(zip(asked, ended, strict=True))) == 4
    assert len(set(slots)) == 4
    for slot in set(slots):
        taken = [times for at, *times in zip(slots, began, ended, strict=True) if at == slot]
        assert most_at_once(taken) == 1
    # All were clients of one service, which is gone.
    assert len(set(services)) == 1
    assert not Path(services[0]).exists()


@pytest.mark.slow
def test_the_workflow_says_how_gpus_are_shared_and_which_cores_they_lack(machine, tmp_path):
    project = copy_project(tmp_path / "project")
    training = TINY["training"] | {"device": "auto", "jobs_per_gpu": 2}
    write_params(project, TINY | {"training": training, "figures": []})
    done = call(project, "snakemake", "--cores", "1", "--until", "train")
    assert f"GPUs: 2 jobs on each of 2, {mps.SIDE_BY_SIDE}\n" in done.stderr
    assert "they take 4 jobs at once, --cores 1 starts no more than 1; --cores 4" in done.stderr
    assert "failed: results/digits/logs/train" in done.stderr  # there is no GPU


class Driver:
    """What NVIDIA's driver tells of a machine with three GPUs."""

    def __init__(self, kinds=("H100",) * 3, divided=False, mode=0):
        self.kinds, self.divided, self.mode = kinds, divided, mode

    def install(self, monkeypatch):
        tells = {
            "nvmlInit": lambda: None,
            "nvmlDeviceGetCount": lambda: len(self.kinds),
            "nvmlDeviceGetHandleByIndex": lambda number: number,
            "nvmlDeviceGetHandleByUUID": UUIDS.index,
            "nvmlDeviceGetUUID": lambda handle: UUIDS[handle],
            "nvmlDeviceGetName": lambda handle: self.kinds[handle],
            "nvmlDeviceGetMigMode": lambda handle: [int(self.divided), 0],
            "nvmlDeviceGetComputeMode": lambda handle: self.mode,
        }
        for name, function in tells.items():
            monkeypatch.setattr(gpus.pynvml, name, function)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (["2", "0"], [UUIDS[2], UUIDS[0]]),
        (["GPU-b", "GPU-aa-1"], [UUIDS[2], UUIDS[0]]),
        (["1", "GPU-ab"], [UUIDS[1]]),
        (["MIG-GPU-5c1/3/0"], ["MIG-GPU-5c1/3/0"]),
    ],
)
def test_a_gpu_gets_the_name_that_means_the_same_everywhere(monkeypatch, given, found):
    Driver().install(monkeypatch)
    assert gpus.full_names(given) == found


@pytest.mark.parametrize("driver", [Driver(kinds=("A2", "A2", "H100")), Driver(divided=True)])
def test_a_number_that_means_another_gpu_to_the_driver_stays(monkeypatch, driver):
    driver.install(monkeypatch)
    assert gpus.full_names(["0"]) == ["0"]
    assert gpus.full_names(["GPU-b"]) == ["GPU-b-3"]


def test_a_mixed_machine_may_say_that_it_counts_as_the_driver_does(monkeypatch):
    Driver(kinds=("A2", "A2", "H100")).install(monkeypatch)
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    assert gpus.full_names(["2"]) == ["GPU-b-3"]


@pytest.mark.parametrize("name", ["3", "GPU-c", "GPU-a", "first"])
def test_a_gpu_that_is_not_there_is_refused(monkeypatch, name):
    Driver().install(monkeypatch)
    with pytest.raises(UserError, match=r"CUDA_VISIBLE_DEVICES: found '.*'; .* 0 \(GPU-aa-1\), 1"):
        gpus.full_names(["0", name])


class Workflow(SimpleNamespace):
    """What is asked of a call of Snakemake's."""

    def __init__(self, jobs=20, cores=16, local=True):
        needed = [SimpleNamespace(resources={gpus.SLOT: 1})] * jobs
        needed += [SimpleNamespace(resources={})] * 5
        dag = SimpleNamespace(needrun_jobs=lambda: needed)
        super().__init__(dag=dag, cores=cores, local_exec=local, limits={})

    def register_resource(self, name, value):
        self.limits[name] = value


@pytest.fixture
def three(monkeypatch):
    """Three GPUs that the driver knows, none of them chosen, and no service."""
    Driver().install(monkeypatch)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv(mps.SWITCH, "off")


def test_cores_that_leave_gpus_idle_are_said_if_there_is_work_for_more(three, capsys):
    gpus.prepare(Workflow(cores=4), Training(jobs_per_gpu=2))
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith(f"GPUs: 2 jobs on each of 3, {mps.IN_TURNS}: ")
    assert "they take 6 jobs at once, --cores 4 starts no more than 4; --cores 6" in said[1]
    gpus.prepare(Workflow(cores=4, jobs=4), Training(jobs_per_gpu=2))
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert "CUDA_VISIBLE_DEVICES" not in os.environ


@pytest.mark.parametrize(
    ("workflow", "training"),
    [
        (Workflow(), Training(device="cpu")),
        (Workflow(local=False), Training()),
        (Workflow(jobs=0), Training()),
    ],
    ids=["cpu", "SLURM", "nothing to train"],
)
def test_nothing_is_done_where_no_job_takes_a_gpu(three, workflow, training, capsys):
    gpus.prepare(workflow, training)
    assert not capsys.readouterr().err


def test_jobs_are_limited_to_slots_on_this_machine_alone(three):
    for workflow, training, limits in (
        (Workflow(), Training(jobs_per_gpu=16), {gpus.SLOT: 48}),
        (Workflow(local=False), Training(), {}),
        (Workflow(), Training(device="cpu"), {}),
    ):
        gpus.limit_jobs(workflow, training)
        assert workflow.limits == limits


def test_a_gpu_of_one_process_is_refused_for_several_in_turns(three, monkeypatch):
    Driver(mode=3).install(monkeypatch)
    with pytest.raises(SystemExit, match=r"set training\.jobs_per_gpu to 1"):
        gpus.prepare(Workflow(), Training(jobs_per_gpu=2))
    gpus.prepare(Workflow(), Training(jobs_per_gpu=1))
