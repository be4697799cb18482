"""CUDA's Multi-Process Service around a workflow, with a daemon that serves nobody."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from latentgrid.errors import UserError
from latentgrid.jobs import mps
from standin_mps import CONTROL, has_driver

BROKEN = "#!/bin/sh\necho 'An instance of this daemon is already running' >&2\nexit 1\n"
DEAF = CONTROL.replace("asked.touch()", "pass")
WORKFLOW = """
import os, signal, sys, time
from latentgrid.jobs import mps
signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background ignore it
print(mps.start(["GPU-1", "GPU-2"], 4), flush=True)
print(os.environ.get("CUDA_MPS_PIPE_DIRECTORY"), flush=True)
sys.stdin.read()
"""
UUIDS = "GPU-1,GPU-2"
PATIENCE = 60


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with a control program, of the text given, on PATH, and no service."""
    if has_driver():
        pytest.skip("CUDA is here, and its GPUs are others")
    (tmp_path / "bin").mkdir()
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", UUIDS)
    monkeypatch.delenv(mps.PIPES, raising=False)
    monkeypatch.delenv(mps.SWITCH, raising=False)
    monkeypatch.setattr(mps, "DEFAULT_PIPES", tmp_path / "none")

    def has(control):
        program = tmp_path / "bin" / mps.CONTROL
        program.write_text(control)
        program.chmod(0o755)
        return program

    return has


class Workflow:
    """A process that starts a service as the workflow does, and waits."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKFLOW],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.how = self.process.stdout.readline().strip()
        self.pipes = Path(self.process.stdout.readline().strip())

    def service(self):
        """The daemon of this workflow."""
        return psutil.Process(int((self.pipes / f"{mps.CONTROL}.pid").read_text()))


@pytest.fixture
def workflow():
    with contextlib.ExitStack() as stack:

        def begin():
            started = Workflow()
            stack.callback(started.process.stdout.close)
            stack.callback(started.process.communicate)
            return started

        yield begin


def is_gone(service, folder):
    give_up = time.monotonic() + PATIENCE
    while service.is_running() or folder.exists():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize(
    "end",
    [
        lambda process: process.communicate(),
        lambda process: process.kill(),
        lambda process: os.killpg(process.pid, signal.SIGINT),
        lambda process: process.terminate(),
    ],
    ids=["its end", "kill -9", "Ctrl-C", "SIGTERM"],
)
def test_a_service_lives_as_long_as_its_workflow(machine, workflow, tmp_path, end):
    machine(CONTROL)
    ours = workflow()
    assert ours.how == mps.SIDE_BY_SIDE
    service = ours.service()
    assert service.environ()["CUDA_VISIBLE_DEVICES"] == UUIDS
    folder = ours.pipes.parent
    assert folder.parent == tmp_path / "tmp"
    assert folder.stat().st_mode & 0o777 == 0o700
    time.sleep(0.2)
    assert service.is_running()
    end(ours.process)
    assert is_gone(service, folder)


def test_its_keeper_s_death_ends_it_too(machine, workflow):
    machine(CONTROL)
    ours = workflow()
    service = ours.service()
    service.parent().kill()
    service.wait(PATIENCE)


def test_one_that_does_not_quit_is_killed(machine, workflow):
    machine(DEAF)
    ours = workflow()
    service = ours.service()
    ours.process.communicate()
    assert is_gone(service, ours.pipes.parent)


def test_two_workflows_have_a_service_each(machine, workflow):
    machine(CONTROL)
    one, other = workflow(), workflow()
    services = one.service(), other.service()
    assert services[0] != services[1]
    one.process.communicate()
    assert is_gone(services[0], one.pipes.parent)
    assert services[1].is_running()


def test_one_that_runs_is_used_and_not_stopped(machine, workflow, tmp_path, monkeypatch):
    program = machine(CONTROL)
    (tmp_path / "pipes").mkdir()
    monkeypatch.setenv(mps.PIPES, str(tmp_path / "pipes"))
    monkeypatch.setenv(mps.LOGS, str(tmp_path))
    theirs = subprocess.Popen([program, "-f"])
    try:
        while not (tmp_path / "pipes" / f"{mps.CONTROL}.pid").exists():
            time.sleep(0.02)
        ours = workflow()
        assert ours.how == f"{mps.SIDE_BY_SIDE}, which runs in {tmp_path / 'pipes'}"
        assert ours.pipes == tmp_path / "pipes"
        ours.process.communicate()
        assert theirs.poll() is None
        monkeypatch.delenv(mps.PIPES)
        monkeypatch.setattr(mps, "DEFAULT_PIPES", tmp_path / "pipes")
        assert "which runs in" in mps.start(["0"], 4)
    finally:
        theirs.kill()
        theirs.wait()
    # Its file with a number is left, as after a crash.
    assert "which runs in" not in mps.start(["0"], 4)


def why(said):
    how, _, fault = said.partition(": ")
    assert how == mps.IN_TURNS
    assert mps.PIPES not in os.environ
    return fault


def test_jobs_take_turns_where_there_can_be_no_service(machine, tmp_path, monkeypatch):
    assert why(mps.start(["0"], 4)) == f"{mps.CONTROL} is not on PATH"
    machine(BROKEN)
    fault = why(mps.start(["GPU-1"], 4))
    assert fault == "it did not start (An instance of this daemon is already running)"
    assert not list((tmp_path / "tmp").iterdir())
    assert "set CUDA_VISIBLE_DEVICES to those of nvidia-smi -L" in why(mps.start(["2"], 4))
    assert "MIG" in why(mps.start(["MIG-1", "MIG-2"], 4))
    monkeypatch.setenv(mps.SWITCH, "off")
    assert why(mps.start(["GPU-1"], 4)) == f"{mps.SWITCH} is off"


def test_a_folder_of_the_user_s_without_a_service_is_named(machine, tmp_path, monkeypatch):
    machine(CONTROL)
    monkeypatch.setenv(mps.PIPES, str(tmp_path / "empty"))
    assert mps.start(["GPU-1"], 4).endswith(f": {mps.PIPES} is set, and no service is seen there")


def test_more_jobs_than_it_takes_and_an_unknown_word_are_refused(machine, monkeypatch):
    machine(CONTROL)
    with pytest.raises(UserError, match=r"training\.jobs_per_gpu: found 49; .* takes 48 jobs"):
        mps.start(["GPU-1"], 49)
    monkeypatch.setenv(mps.SWITCH, "no")
    with pytest.raises(UserError, match="LATENTGRID_MPS: found 'no'; allowed: on, off"):
        mps.start(["GPU-1"], 4)
