"""What a machine does to a workflow: full disks, clocks that jump, servers that come and go."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import mlflow
import pytest
import requests

from latentgrid.commands.compare import compare
from latentgrid.files.layout import Layout
from project import (
    TINY,
    call,
    copy_built,
    copy_project,
    environment,
    has_nothing_to_do,
    run,
    write_params,
)

pytestmark = pytest.mark.slow

LAYOUT = Layout("digits")
RUN = "vae/latent_dim=2,optimizer=adam,learning_rate=0.001/seed=0"
MEGABYTE = 1_000_000
DAY = 24 * 3600


def assert_is_whole(project, built):
    """Nothing is left to do, and everything has the bits of the run that nothing happened to."""
    assert has_nothing_to_do(project, "-n")
    assert compare(built, project).differences == {}
    assert not any((project / LAYOUT.state).iterdir())
    assert not list((project / "results").rglob("*.part"))


# Full disks


@pytest.fixture
def small_disk(built, tmp_path):
    """The project on a disk of its own with 40 MB to spare."""
    folder = tmp_path / "disk"
    folder.mkdir()
    used = sum(path.stat().st_size for path in built.rglob("*") if path.is_file())
    mount = ["mount", "-t", "tmpfs", "-o", f"size={2 * used + 40 * MEGABYTE}", "tmpfs", folder]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a disk needs root's rights")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(disk, left):
    """Leave so many bytes on a disk, and return the file that takes the others."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(disk).free - left)
    return ballast


@pytest.mark.parametrize(
    ("lost", "left"),
    [
        ([LAYOUT.images, LAYOUT.run(RUN).weights, LAYOUT.run(RUN).metrics], MEGABYTE),
        ([LAYOUT.run(RUN).weights, LAYOUT.run(RUN).metrics], 4 * MEGABYTE),
        (LAYOUT.table_files, 16_384),
        ([LAYOUT.report], 65_536),
    ],
    ids=["data", "training", "tables", "report"],
)
def test_a_full_disk_is_named_and_costs_nothing_but_the_step(built, small_disk, lost, left):
    project = copy_built(built, small_disk / "project")
    for path in lost:
        (project / path).unlink()
    ballast = fill(small_disk, left)
    done = call(project, "snakemake", "--cores", "2")
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "No space left on device" in said or "no space left on the disk" in said
    assert "Traceback" not in said
    ballast.unlink()
    run(project, "snakemake", "--cores", "2")
    assert_is_whole(project, built)


def test_a_disk_that_is_full_from_the_start_is_the_last_that_is_said(built, small_disk):
    project = copy_built(built, small_disk / "project")
    (project / LAYOUT.report).unlink()
    ballast = fill(small_disk, 0)
    done = call(project, "snakemake", "--cores", "2")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"error: no space left on the disk of {project}")
    ballast.unlink()
    run(project, "snakemake", "--cores", "2")
    assert_is_whole(project, built)


def test_dvc_on_a_full_disk_goes_on_when_there_is_space(built, small_disk):
    project = copy_built(built, small_disk / "project")
    run(project, "git", "init", "--quiet")
    run(project, "dvc", "repro")
    shutil.rmtree(project / ".dvc" / "cache")
    (project / "dvc.lock").unlink()
    ballast = fill(small_disk, 3 * MEGABYTE)  # enough for Snakemake, not for the cache
    done = call(project, "dvc", "repro")
    assert done.returncode != 0
    assert "No space left on device" in done.stderr
    ballast.unlink()
    run(project, "dvc", "repro")
    assert "up to date" in run(project, "dvc", "status").stdout
    assert compare(built, project).differences == {}


# Clocks


@pytest.mark.parametrize("jump", [-400 * DAY, 2 * DAY], ids=["back", "forward"])
def test_a_clock_that_jumps_makes_nothing_again_and_loses_nothing(built, project, jump):
    """What was made before the jump seems to be of another time than what is made after it."""
    (project / LAYOUT.report).unlink()
    (project / LAYOUT.run(RUN).metrics).unlink()
    for path in [*(project / "results").rglob("*"), *(project / "data").rglob("*")]:
        moved = path.stat().st_mtime + jump
        os.utime(path, (moved, moved))
    number = (project / LAYOUT.run(RUN).weights).stat().st_ino
    run(project, "snakemake", "--cores", "2")
    assert (project / LAYOUT.run(RUN).weights).stat().st_ino == number, "it was trained again"
    assert_is_whole(project, built)


# Servers


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def serve(project, port):
    """Start a real MLflow server and wait until it answers."""
    server = subprocess.Popen(
        [
            *("mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
            *("--backend-store-uri", f"sqlite:///{project / 'server.db'}"),
            *("--artifacts-destination", str(project / "server")),
        ],
        cwd=project,
        env=environment(project),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 600
    while True:
        with contextlib.suppress(requests.RequestException):
            if requests.get(f"http://127.0.0.1:{port}/health", timeout=60).ok:
                return server
        assert server.poll() is None and time.monotonic() < deadline
        time.sleep(0.2)


def stop(server):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def test_a_tracking_server_that_goes_and_comes_back_knows_all_at_the_end(
    tmp_path, port, monkeypatch
):
    project = copy_project(tmp_path / "project")
    models = {"vae": TINY["models"]["vae"] | {"learning_rate": [0.001, 10.0]}}
    training = TINY["training"] | {"epochs": 12}
    grid = TINY | {"training": training, "models": models, "figures": ["samples"]}
    write_params(project, grid)
    variables = environment(project) | {
        "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{port}",
        "NO_PROXY": "127.0.0.1",
    }
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = serve(project, port)
    with (project / "said").open("w") as said:
        workflow = subprocess.Popen(
            ["snakemake", "--cores", "2"], cwd=project, env=variables, stdout=said, stderr=said
        )
        try:
            wait_for(project, workflow, "state/*/history.csv")
            stop(server)
            wait_for(project, workflow, "runs/*/*/*/outcome.json")
            server = serve(project, port)
            assert workflow.wait(1200) == 0, (project / "said").read_text()
            # What a machine too slow for the tracker's patience would have to do.
            subprocess.run(["latentgrid", "track"], cwd=project, env=variables, check=True)
            monkeypatch.setenv("MLFLOW_TRACKING_URI", variables["MLFLOW_TRACKING_URI"])
            tracked = mlflow.search_runs(search_all_experiments=True)
        finally:
            workflow.kill()
            stop(server)
    tracked = tracked[tracked["tags.latentgrid.run"].notna()]
    planned = json.loads((project / LAYOUT.plan).read_text())
    assert sorted(tracked["tags.latentgrid.run"]) == sorted(run["name"] for run in planned)
    assert sorted(tracked["status"]) == ["FAILED", "FINISHED"]


def wait_for(project: Path, workflow, pattern):
    deadline = time.monotonic() + 600
    while not list((project / LAYOUT.results).glob(pattern)):
        assert workflow.poll() is None, (project / "said").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.05)


# The script that kills at random


def test_torture_of_one_kill(tmp_path):
    done = call(tmp_path, sys.executable, str(Path(__file__).with_name("torture.py")), "--kills=1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 kills" in done.stdout
