"""The workflow on SLURM: `make test-cluster` starts one and runs this file beside it."""

import copy
import re
import shutil
import subprocess
import time
from contextlib import contextmanager
from math import ceil

import pytest
import yaml

from latentgrid.commands.compare import compare
from latentgrid.files.layout import Layout
from latentgrid.pipeline.failure import STOPPED
from project import TINY, call, copy_project, environment, run, write_params


def _answers():
    asked = shutil.which("sinfo") and subprocess.run(["sinfo"], capture_output=True, check=False)
    return asked and asked.returncode == 0


pytestmark = [
    pytest.mark.slow,
    pytest.mark.cluster,
    pytest.mark.skipif(not _answers(), reason="no SLURM; make test-cluster starts one"),
]

LAYOUT = Layout("digits")
CLUSTER = ("snakemake", "--profile", "profiles/slurm")
# What `make run` runs; the GPUs of this SLURM are none.
QUICK = ("--configfile", "config/quick.yaml", "--config", "training={device: cpu}")
RUN = "vae/latent_dim=2,optimizer=adam,learning_rate=0.001/seed=0"
TRAIN = (*CLUSTER, str(LAYOUT.run(RUN).outcome))
PATIENCE = 1200  # seconds; a call that is stuck, not a slow machine


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
    """Return a project of one run that would train for hours."""
    params = copy.deepcopy(TINY) | {"figures": ["learning_curves"]}
    params["training"]["epochs"] = epochs
    params["models"] = {"vae": TINY["models"]["vae"] | {"learning_rate": 0.001}}
    write_params(copy_project(folder), params)
    return on_cluster(folder, **values)


@contextmanager
def started(project):
    """Start a call; what it says goes to a file. It is stopped at the end of the block."""
    with (project / "said").open("w") as said:
        call = subprocess.Popen(
            TRAIN, cwd=project, env=environment(project), stdout=said, stderr=said
        )
    try:
        yield call
    finally:
        call.terminate()
        call.wait(PATIENCE)


def said(project):
    return (project / "said").read_text()


def wait_for(condition, call=None):
    """Return what a condition is once it is true; it may be so only while a call of ours runs."""
    give_up = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert call is None or call.poll() is None, "the call ended"
        assert time.monotonic() < give_up
        time.sleep(0.2)
    return found


def log(project):
    """Return what the only run's training said; Snakemake deletes that of an earlier call."""
    path = project / LAYOUT.logs / "train" / f"{RUN}.log"
    return path.read_text() if path.exists() else ""


def epoch(project):
    """Return the last epoch that the only run completed, 0 before."""
    found = re.findall(r"^epoch (\d+)/", log(project), re.MULTILINE)
    return int(found[-1]) if found else 0


def went_on_after(project):
    """Return the epoch after which the only run went on, 0 if it did not."""
    found = re.findall(r"^going on after epoch (\d+)", log(project), re.MULTILINE)
    return int(found[-1]) if found else 0


def training_job(project):
    """Return the number of the last of SLURM's jobs that trained."""
    return re.findall(r"SLURM jobid (\d+) \(log: .*?/(?:rule|group)_train", said(project))[-1]


def shown(number):
    """Return what SLURM knows of one of its jobs."""
    command = ["scontrol", "show", "job", number]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def state(number):
    """Return the state of one of SLURM's jobs, as in RUNNING."""
    return re.search(r"JobState=(\w+)", shown(number))[1]


def refused(project, **values):
    """Return the last line of a call that is refused before it sends a job."""
    done = call(on_cluster(project, **values), *TRAIN)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "submitted" not in done.stderr
    return done.stderr.strip().splitlines()[-1]


@pytest.fixture(scope="module", autouse=True)
def timed(tmp_path_factory):
    """A call whose training gets two minutes, begun first: they pass beside other tests."""
    project = long_project(tmp_path_factory.mktemp("timed") / "project", runtime=2)
    with started(project) as training:
        yield project, training


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The quick run, made by one call through SLURM, two trainings to a job; and what it said."""
    project = copy_project(tmp_path_factory.mktemp("made") / "project")
    path = project / "profiles/slurm/config.yaml"
    path.write_text(
        path.read_text().replace("# - train=", "- train=").replace("- train=10", "- train=2")
    )
    return on_cluster(project), run(project, *CLUSTER, *QUICK).stderr


def test_every_file_has_the_bits_of_a_local_run(made, tmp_path):
    project = copy_project(tmp_path / "project")
    run(project, "snakemake", "--cores", "2", *QUICK)
    found = compare(project / "results", made[0] / "results")
    assert not found.differences
    assert found.compared > 200


def test_two_trainings_share_a_job_of_slurm(made):
    runs = len(list((made[0] / LAYOUT.runs).rglob(LAYOUT.run(RUN).outcome.name)))
    assert runs > 10
    assert len(re.findall(r"SLURM jobid \d+ \(log: .*?/group_train", made[1])) == ceil(runs / 2)


def test_trainings_alone_get_a_gpu(made):
    numbers = re.findall(r"SLURM jobid (\d+) \(log: .*?/(?:rule|group)_(\w+?)[_/]", made[1])
    assert len(numbers) > 6
    for number, rule in numbers:
        assert ("gres:gpu:1" in shown(number)) == (rule == "train")
        assert ("Partition=gpu" in shown(number)) == (rule == "train")


def test_a_second_call_makes_nothing(made):
    done = run(made[0], *CLUSTER, *QUICK, "-n")
    assert "Nothing to be done" in done.stdout + done.stderr


def test_a_training_whose_time_is_up_goes_on_in_another_job(timed):
    project, training = timed
    wait_for(lambda: went_on_after(project) > 0, training)
    assert f"train:{RUN}: SLURM's job" in said(project)
    assert "took longer than its runtime of 2 minutes" in said(project)
    training.terminate()


def test_a_training_goes_on_where_it_was_whatever_ends_it(tmp_path):
    """Requeued, as when its node fails; its workflow killed; its workflow stopped.

    A training that did not end by itself would be killed after 30 seconds, and say nothing.
    """
    project = long_project(tmp_path / "project")
    with started(project) as first:
        wait_for(lambda: epoch(project) > 3, first)
        number = training_job(project)
        subprocess.run(["scontrol", "requeue", number], check=True)
        wait_for(lambda: state(number) == "PENDING", first)
        assert STOPPED in log(project)
        at = epoch(project)
        wait_for(lambda: went_on_after(project) >= at, first)
        wait_for(lambda: epoch(project) > at + 3, first)
        first.kill()
        first.wait()
        assert state(number) == "RUNNING"
    at = epoch(project)
    with started(project) as second:
        wait_for(lambda: went_on_after(project) >= at, second)
        assert f"an earlier call left in SLURM's queue: {number}" in said(project)
        wait_for(lambda: state(number) == "CANCELLED")
        number = training_job(project)
        at = wait_for(lambda: epoch(project), second)
        second.terminate()
        second.wait(PATIENCE)
        assert STOPPED in said(project)
    wait_for(lambda: STOPPED in log(project))
    wait_for(lambda: state(number) == "CANCELLED")
    assert epoch(project) >= at


def test_what_a_cluster_does_not_have_is_refused_before_any_job(tmp_path):
    project = long_project(tmp_path / "project")
    assert "train: SLURM refuses slurm_partition=huge" in refused(project, slurm_partition="huge")
    assert "train: has no slurm_partition; set it" in refused(project, slurm_partition="")
    assert " gres=gpu:3 " in refused(project, slurm_partition="gpu", gres="gpu:3")
    assert " mem_mb=900000 " in refused(project, gres="gpu:1", mem_mb=900_000)
    long = "train: runtime=2000 is more minutes than the partition gpu gives, 1440"
    assert long in refused(project, mem_mb=1000, runtime=2000)


def test_a_job_over_its_memory_is_named_and_not_tried_again(tmp_path):
    project = long_project(tmp_path / "project", mem_mb=100)
    done = call(project, *TRAIN)
    assert done.returncode == 1
    assert f"train:{RUN}: SLURM's job" in done.stderr
    assert "needed more than its mem_mb of 100" in done.stderr
    assert done.stderr.count("/rule_train/") == 1
