"""Jobs as forks of a process that has imported the libraries."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from latentgrid import fork_server
from latentgrid.job import SERVER

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has fork servers")

JOB = """
import os, sys, time
from latentgrid.parent import die_with_parent

die_with_parent()
print(sys.argv[1:], os.getcwd(), os.environ["WORD"], "torch" in sys.modules, flush=True)
match sys.argv[1]:
    case "say": print("said", file=sys.stderr)
    case "exit": sys.exit(int(sys.argv[2]))
    case "refuse": sys.exit("error: no")
    case "fail": raise RuntimeError("boom")
    case "die": os.kill(os.getpid(), 9)
    case "sleep": print(os.getpid(), flush=True); time.sleep(60)
"""
LONGEST = 60  # seconds, generous


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a module to be a job and, while these tests run, a server."""
    folder = tmp_path_factory.mktemp("forks")
    (folder / "a_job.py").write_text(JOB)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("PYTHONPATH", os.pathsep.join([str(folder), *sys.path]))
        patch.delenv(SERVER, raising=False)
        fork_server.start(folder / "socket")
        patch.setenv(SERVER, os.environ[SERVER])
        yield folder
    server_of(folder).kill()


def server_of(folder):
    (server,) = [
        child
        for child in psutil.Process().children()
        if child.status() != psutil.STATUS_ZOMBIE
        and "latentgrid.fork_server" in child.cmdline()
        and child.cwd() == str(folder)
    ]
    return server


def begin(*arguments, **environment):
    command = [sys.executable, "-m", "latentgrid.job", "a_job", *arguments]
    return subprocess.Popen(
        command,
        env=os.environ | {"WORD": "a word"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def done(*arguments, **environment):
    job = begin(*arguments, **environment)
    out, err = job.communicate(timeout=LONGEST)
    return job.returncode, out, err


def is_gone(pid):
    until = time.monotonic() + LONGEST
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until, "a fork outlived its job"
        time.sleep(0.05)
    return True


def test_a_job_has_its_own_streams_folder_environment_and_arguments(place, monkeypatch):
    (place / "elsewhere").mkdir()
    monkeypatch.chdir(place / "elsewhere")
    arguments = ["say", "ü 'x'"]
    status, out, err = done(*arguments, WORD="another")
    assert (status, err) == (0, "said\n")
    assert out == f"{arguments} {place / 'elsewhere'} another True\n"


@pytest.mark.parametrize("server", ["", "no/such/socket"])
def test_without_a_server_a_job_does_the_same(place, server):
    status, out, err = done("say", **{SERVER: server})
    assert (status, out, err) == (0, f"['say'] {place} a word False\n", "said\n")


def test_a_server_that_is_gone_is_done_without(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(SERVER, "set back afterwards")
    fork_server.start(tmp_path / "socket")
    dead = server_of(tmp_path)
    dead.kill()
    dead.wait(LONGEST)
    assert done("say")[:2] == (0, f"['say'] {tmp_path} a word False\n")


@pytest.mark.parametrize(
    ("job", "status", "said"),
    [
        (["exit", "0"], 0, ""),
        (["exit", "3"], 3, ""),
        (["refuse"], 1, "error: no"),
        (["fail"], 1, "RuntimeError: boom"),
        (["die"], 128 + signal.SIGKILL, ""),
    ],
)
def test_how_a_fork_ends_is_how_its_job_ends(place, job, status, said):
    ended, _, err = done(*job)
    assert ended == status
    assert said in err


def test_jobs_run_side_by_side_and_a_killed_one_takes_its_fork_along(place):
    jobs = [begin("sleep") for _ in range(3)]
    forks = [int([job.stdout.readline(), job.stdout.readline()][1]) for job in jobs]
    assert len(set(forks)) == len(jobs)
    jobs[0].kill()
    assert is_gone(forks[0])
    assert all(job.poll() is None for job in jobs[1:])
    assert done("exit", "4")[0] == 4
    for job in jobs[1:]:
        job.terminate()
    assert all(map(is_gone, forks))


def test_a_killed_server_fails_its_jobs_and_takes_their_forks_along(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(SERVER, "set back afterwards")
    fork_server.start(tmp_path / "socket")
    job = begin("sleep")
    fork = int([job.stdout.readline(), job.stdout.readline()][1])
    server_of(tmp_path).kill()
    _, err = job.communicate(timeout=LONGEST)
    assert job.returncode == 1
    assert "fork server was killed" in err
    assert is_gone(fork)


def test_nobody_else_may_ask_for_a_fork(place):
    assert (place / "socket").stat().st_mode & 0o077 == 0


def test_where_there_can_be_no_socket_there_is_no_server(tmp_path, monkeypatch):
    monkeypatch.delenv(SERVER, raising=False)
    fork_server.start(tmp_path / ("long" * 50))
    assert SERVER not in os.environ
