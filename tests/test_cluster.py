"""The workflow on SLURM: `make test-cluster` starts one and runs this file beside it."""

import copy
import json
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from latentgrid.commands.compare import compare
from latentgrid.files.layout import Layout
from project import ROOT, TINY, call, copy_project, environment, run, write_params


def _answers():
    return shutil.which("sinfo") and not subprocess.run(["sinfo"], capture_output=True).returncode


pytestmark = [
    pytest.mark.slow,
    pytest.mark.cluster,
    pytest.mark.skipif(not _answers(), reason="no SLURM; make test-cluster starts one"),
]

LAYOUT = Layout("digits")
CLUSTER = ("snakemake", "--profile", "profiles/slurm")
VAE = "vae/latent_dim=2,optimizer=adam,learning_rate={}/seed=0"


def on_cluster(project, **values):
    """Set what the project's profile says of trainings, and look at jobs every second."""
    path = project / "profiles/slurm/config.yaml"
    profile = yaml.safe_load(path.read_text())
    profile["seconds-between-status-checks"] = 1
    for key, value in values.items():
        section = profile if key in profile else profile["set-resources"]["train"]
        section[key] = value
    path.write_text(yaml.safe_dump(profile))
    return project


def long_project(folder, epochs=100_000, **values):
    """Return a project of three runs that would train for hours, two to a job of SLURM's."""
    params = copy.deepcopy(TINY) | {"figures": ["learning_curves"]}
    params["training"]["epochs"] = epochs
    params["models"] = {"vae": TINY["models"]["vae"] | {"learning_rate": [0.001, 0.002, 0.003]}}
    write_params(copy_project(folder), params)
    return on_cluster(folder, **values)


def started(project, *command):
    """Start a call whose output goes to a file."""
    with (project / "said").open("w") as said:
        return subprocess.Popen(
            command, cwd=project, env=environment(project), stdout=said, stderr=said
        )


def said(project):
    return (project / "said").read_text()


def wait_for(condition, seconds=120):
    give_up = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < give_up
        time.sleep(0.2)
    return found


def epoch(project, rate):
    """Return the last epoch that a run has written down."""
    log = project / LAYOUT.logs / "train" / f"{VAE.format(rate)}.log"
    found = re.findall(r"^epoch (\d+)/", log.read_text() if log.exists() else "", re.MULTILINE)
    return int(found[-1]) if found else 0


def queue(*states):
    command = ["squeue", "--noheader", "--format", "%i", "--states", ",".join(states)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def queued():
    return queue("PENDING", "RUNNING", "COMPLETING")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The tiny grid made by one call through SLURM, two trainings to a job."""
    project = copy_project(tmp_path_factory.mktemp("cluster"))
    write_params(project, TINY)
    path = project / "profiles/slurm/config.yaml"
    path.write_text(path.read_text().replace("# - train=", "- train=").replace("=10", "=2"))
    return on_cluster(project), run(project, *CLUSTER).stderr


def test_every_file_has_the_bits_of_a_local_run(made, built):
    found = compare(built / "results", made[0] / "results")
    assert not found.differences
    assert found.compared > 50


def test_two_trainings_share_a_job(made):
    numbers = re.findall(r"SLURM jobid (\d+) \(log: .*?/group_train", made[1])
    assert len(numbers) == 2


def test_a_training_gets_a_gpu_of_its_partition_and_other_jobs_none(made):
    shown = subprocess.run(["scontrol", "show", "jobs", "-o"], capture_output=True, text=True)
    for line in shown.stdout.splitlines():
        training = "Comment=rule_train" in line
        assert ("Partition=gpu" in line) == ("gres:gpu:1" in line)


def test_nothing_is_made_again(made):
    assert "Nothing to be done" in run(made[0], *CLUSTER, "-n").stderr
