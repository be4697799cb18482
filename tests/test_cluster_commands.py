"""What a node of a cluster runs, and what is said of how SLURM ended it; no SLURM is needed."""

import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from latentgrid.pipeline import cluster
from latentgrid.stamps.made import Product, Recipe, stamp_of

NO_RECIPE = Recipe({}, "", {})


def a_job(name, command, needs=(), **resources):
    """Return a stand-in for a job of Snakemake's that makes the file of its name."""
    return SimpleNamespace(
        rule=SimpleNamespace(name=name),
        params=SimpleNamespace(job=name),
        input=list(needs),
        output=[name],
        shellcmd=command,
        resources=resources,
        threads=1,
        attempt=1,
        restart_times=3,
        is_group=lambda: False,
    )


def a_group(*levels):
    group = a_job("group", "")
    group.toposorted, group.is_group = levels, lambda: True
    return group


def makes(name):
    """Return a command that makes a file with its stamp, as a step does."""
    return f"echo made > {name}; touch {stamp_of(Path(name))}"


def command_of(job):
    products = {
        one.params.job: Product((Path(one.params.job),), (), NO_RECIPE)
        for one in cluster.in_order(job)
    }
    return cluster.command_of(job, products)


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def status(job):
    return subprocess.run(["sh", "-c", command_of(job)], check=False).returncode


def test_a_command_is_passed_on_whatever_letters_it_has():
    text = """it's "$HOME" `pwd` \\n, = 5"""
    done = subprocess.run(
        ["sh", "-c", command_of(a_job("a", f"cat <<'E'\n{text}\nE"))],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{text}\n"


def test_jobs_of_a_group_run_in_order_and_those_that_are_done_do_not():
    group = a_group(
        [a_job("b", makes("b"))], [a_job("a", f"cat b && {makes('a')}", ["b", "elsewhere"])]
    )
    assert status(group) == 0
    Path("a").write_text("kept")
    stamp_of(Path("b")).unlink()
    assert status(group) == 0
    assert (Path("a").read_text(), Path("b").read_text()) == ("kept", "made\n")


def test_what_has_no_stamp_is_made_whenever_it_is_asked_for():
    page = a_job("page", "echo again >> page")
    for _ in range(2):
        command = cluster.command_of(page, {"page": Product((), (), NO_RECIPE)})
        subprocess.run(["sh", "-c", command], check=True)
    assert Path("page").read_text() == "again\nagain\n"


def test_a_failure_is_told_and_stops_only_what_needs_it():
    first = [a_job("a", "false"), a_job("b", makes("b"))]
    second = [a_job("c", makes("c"), ["a"]), a_job("d", makes("d"), ["b"])]
    assert status(a_group(first, second)) == 1
    assert [name for name in "abcd" if Path(name).exists()] == ["b", "d"]


def test_sigterm_lets_the_running_job_end_and_no_other_begin():
    slow = a_job("a", f"trap '{makes('a')}; exit 1' TERM; touch began; sleep 5 & wait")
    group = a_group([slow], [a_job("b", makes("b"))])
    running = subprocess.Popen(["sh", "-c", command_of(group)], start_new_session=True)
    while not Path("began").exists():
        time.sleep(0.01)
    # SLURM sends it to every process of a job.
    subprocess.run(["kill", "-TERM", "--", f"-{running.pid}"], check=True)
    assert running.wait(5) == 1
    assert Path("a").exists()
    assert not Path("b").exists()


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        ({"gres": "gpu:1"}, "7"),
        ({"gres": "gpu:h100:1"}, "7"),
        ({"gpu": 1}, "7"),
        ({"slurm_extra": "--gpus-per-node=1"}, "7"),
        ({"slurm_extra": "--exclusive"}, ""),
        ({}, ""),
    ],
)
def test_a_job_sees_gpus_only_if_it_asked_for_one(asked, seen, monkeypatch, capfd):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    status(a_job("a", 'echo "$CUDA_VISIBLE_DEVICES"', **asked))
    assert capfd.readouterr().out == f"{seen}\n"


def test_a_job_looks_for_no_workflow_or_fork_server_of_another_machine(monkeypatch, capfd):
    monkeypatch.setenv("LATENTGRID_WORKFLOW", "1")
    monkeypatch.setenv("LATENTGRID_FORK_SERVER", "socket")
    status(a_job("a", "env | grep -E 'WORKFLOW|FORK_SERVER' || echo none"))
    assert capfd.readouterr().out == "none\n"


FAILED = "SLURM-job '7' failed, SLURM status is: '{}'. Detailed failure reason unavailable"


def test_what_ended_a_job_is_said_with_what_to_set():
    job = a_job("train:x", "", runtime=90, mem_mb=500)
    line = cluster.how_it_ended(job, "7", cluster.status_of(FAILED.format("TIMEOUT"), None))
    assert line.startswith("train:x: SLURM's job 7 took longer than its runtime of 90 minutes;")
    assert line.endswith("it goes on in another")
    job.attempt = 4
    assert "another" not in cluster.how_it_ended(job, "7", "TIMEOUT")


def test_memory_is_named_though_slurm_says_failed():
    log = Path("7.log")
    log.write_text("slurmstepd: error: Detected 1 oom_kill event in StepId=7.batch\n")
    found = cluster.status_of(FAILED.format("FAILED"), log)
    job = a_job("train:x", "", mem_mb=500)
    assert "needed more than its mem_mb of 500" in cluster.how_it_ended(job, "7", found)
    assert not cluster.may_go_on(job, found)


def test_a_step_that_failed_speaks_for_itself():
    assert (
        cluster.how_it_ended(a_job("x", ""), "7", cluster.status_of(FAILED.format("FAILED"), None))
        == ""
    )


def test_a_job_in_a_process_of_its_own_has_one_thread(tmp_path):
    (tmp_path / "threads.py").write_text("import torch; print(torch.get_num_threads())")
    paths = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-m", "latentgrid.jobs.client", "threads"],
        env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "2"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stdout == "1\n"
