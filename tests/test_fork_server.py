"""Jobs as forks of a process that has imported the libraries."""

import os
import signal
import socket
import subprocess
import sys
import time
from unittest import mock

import psutil
import pytest

from latentgrid.jobs import fork_server
from latentgrid.jobs.client import SERVER, is_same_user
from project import heed_interrupts

JOB = """
import os, sys, time
from latentgrid.jobs.parent import die_with_parent

die_with_parent()
print(sys.argv[1:], os.getcwd(), os.environ["WORD"], "torch" in sys.modules, flush=True)
match sys.argv[1]:
    case "say": print("said", file=sys.stderr)
    case "exit": sys.exit(int(sys.argv[2]))
    case "refuse": sys.exit("error: no")
    case "fail": raise RuntimeError("boom")
    case "die": os.kill(os.getpid(), 9)
    case "sleep": print(os.getpid(), flush=True); time.sleep(60)
    case "modules": print(*sorted(name for name in sys.modules if "latentgrid" in name))
    case "cuda": print(sys.modules["torch"].cuda.is_initialized())
"""
MAX_SECONDS = 60  # generous


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a module to be a job."""
    folder = tmp_path_factory.mktemp("forks")
    (folder / "a_job.py").write_text(JOB)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("PYTHONPATH", os.pathsep.join([str(folder), *sys.path]))
        patch.delenv(SERVER, raising=False)
        yield folder


@pytest.fixture(scope="module")
def place(folder):
    """The same folder and, while these tests run, a server."""
    if sys.platform != "linux":
        pytest.skip("a fork server takes Linux; elsewhere each job is a process of its own")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SERVER, "set back afterwards")
        server = fork_server.start(folder / "socket")
        yield folder
    server.kill()


@pytest.fixture
def server(place, tmp_path, monkeypatch):
    """A server of this test's own, which is ready."""
    monkeypatch.setenv(SERVER, "set back afterwards")
    process = fork_server.start(tmp_path / "socket")
    assert done("exit", "0")[0] == 0
    yield psutil.Process(process.pid)
    process.kill()
    process.wait()


@pytest.fixture
def begun_job(server):
    job = begin("sleep")
    job.stdout.readline()
    yield job
    job.kill()


def begin(*arguments, **environment):
    """Begin a job as a shell does, in a process group of its own."""
    command = [sys.executable, "-m", "latentgrid.jobs.client", "a_job", *arguments]
    return subprocess.Popen(
        command,
        env=os.environ | {"WORD": "a word"} | environment,
        start_new_session=True,
        preexec_fn=heed_interrupts,  # noqa: PLW1509 - there is one thread
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def done(*arguments, **environment):
    job = begin(*arguments, **environment)
    out, err = job.communicate(timeout=MAX_SECONDS)
    return job.returncode, out, err


def is_gone(pid):
    until = time.monotonic() + MAX_SECONDS
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
def test_without_a_server_a_job_does_the_same(folder, server):
    status, out, err = done("say", **{SERVER: server})
    assert (status, out, err) == (0, f"['say'] {folder} a word False\n", "said\n")


def test_a_server_that_is_gone_is_done_without(place, server):
    server.kill()
    server.wait(MAX_SECONDS)
    assert done("say")[:2] == (0, f"['say'] {place} a word False\n")


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


def test_a_killed_server_fails_its_jobs_and_takes_their_forks_along(server, begun_job):
    fork = int(begun_job.stdout.readline())
    server.kill()
    _, err = begun_job.communicate(timeout=MAX_SECONDS)
    assert begun_job.returncode == 1
    assert "fork server was killed; run the same command again" in err
    assert is_gone(fork)


def test_nobody_else_may_ask_for_a_fork(place):
    assert (place / "socket").stat().st_mode & 0o077 == 0
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert is_same_user(ours)
        with mock.patch("os.getuid", return_value=os.getuid() + 1):
            assert not is_same_user(ours)


def test_a_fork_has_the_modules_that_a_process_of_its_own_has(place):
    """What the server has imported of the project for itself is of no consequence to its forks."""
    _, in_a_fork, _ = done("modules")
    _, alone, _ = done("modules", **{SERVER: ""})
    assert in_a_fork.splitlines()[1] == alone.splitlines()[1]
    assert "latentgrid.jobs.fork_server" not in in_a_fork


def test_the_server_leaves_cuda_to_its_forks(place):
    assert done("cuda")[1].splitlines()[1] == "False"


def test_jobs_leave_nothing_in_the_server(server):
    before = server.num_fds()
    for status in range(20):
        assert done("exit", str(status))[0] == status
    until = time.monotonic() + 60
    while server.num_fds() != before:  # it closes what it had of a job after it has told its end
        assert time.monotonic() < until
        time.sleep(0.05)
    assert not [child for child in server.children() if child.status() == psutil.STATUS_ZOMBIE]


def test_clients_that_ask_for_nothing_hold_nobody_up(place):
    silent, gone, wrong = (socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(3))
    with silent:
        for client in (silent, gone, wrong):
            client.connect(str(place / "socket"))
        gone.close()
        socket.send_fds(wrong, [b"no job"], [0, 1, 2])
        assert done("exit", "5")[0] == 5
        assert wrong.recv(10) == b"1", "it has failed, and not begun"
    wrong.close()


def test_a_server_that_can_fork_no_more_leaves_jobs_to_themselves(server, begun_job):
    _, limit = server.rlimit(psutil.RLIMIT_NOFILE)
    server.rlimit(psutil.RLIMIT_NOFILE, (server.num_fds() + 3, limit))
    status, out, err = done("say")
    assert (status, err) == (0, "said\n")
    assert out.endswith("False\n"), "it is no fork"
    server.rlimit(psutil.RLIMIT_NOFILE, (limit, limit))
    assert done("say")[1].endswith("True\n")
    assert begun_job.poll() is None


@pytest.mark.parametrize("begins", ["before", "after"])
def test_ctrl_c_ends_a_job_whether_or_not_its_fork_has_begun(server, begins):
    if begins == "before":
        server.suspend()
    job = begin("sleep")
    if begins == "after":
        fork = int([job.stdout.readline(), job.stdout.readline()][1])
        # A terminal's Ctrl-C reaches all of its processes.
        os.kill(fork, signal.SIGINT)
        os.killpg(job.pid, signal.SIGINT)
        assert is_gone(fork)
    else:
        time.sleep(1)
        os.killpg(job.pid, signal.SIGINT)
        assert job.wait(MAX_SECONDS) != 0
        server.resume()
        assert done("exit", "0")[0] == 0
        assert not server.children()
    assert job.wait(MAX_SECONDS) != 0
    assert "KeyboardInterrupt" in job.communicate()[1]


def test_a_server_that_dies_before_a_job_has_begun_is_done_without(place, server):
    server.suspend()
    job = begin("say")
    time.sleep(1)
    server.kill()
    assert job.communicate(timeout=MAX_SECONDS) == (f"['say'] {place} a word False\n", "said\n")
    assert job.returncode == 0


def test_where_there_can_be_no_socket_there_is_no_server(tmp_path, monkeypatch):
    monkeypatch.delenv(SERVER, raising=False)
    fork_server.start(tmp_path / ("long" * 50))
    assert SERVER not in os.environ
