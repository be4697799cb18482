"""A process that has imported the libraries, which takes seconds, and forks for each job.

A fork shares the server's memory until it writes to it, imports this package anew, and computes
what any other process would. It ends without taking torch down, which would take a second, so
functions that a step registers with `atexit` may not be called. The server starts neither CUDA,
which a fork could not use, nor a thread; pyarrow's allocator has one, which forks do without.
docs/jobs.md has more.
"""

import atexit
import importlib
import json
import multiprocessing
import os
import selectors
import signal
import socket
import subprocess
import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.context import ForkProcess
from pathlib import Path

from latentgrid.jobs import loading
from latentgrid.jobs.client import BEGUN, ONE_THREAD, SERVER, STREAMS, is_same_user
from latentgrid.jobs.parent import die_with_parent

# What several steps import, and what libraries import only when they are used.
LIBRARIES = (
    *("torch", "safetensors.torch", "safetensors.numpy", "numpy", "scipy.stats"),
    *("pandas", "pandas.io.formats.csvs", "pyarrow.pandas_compat"),
    *("sklearn.metrics", "sklearn.decomposition", "matplotlib.figure", "matplotlib.pyplot"),
    *("matplotlib.backends.backend_agg", "matplotlib.backends.backend_pdf"),
    *("matplotlib.backends.backend_svg", "latex2mathml.converter"),
    *("PIL.JpegImagePlugin", "PIL.PngImagePlugin", "PIL.WebPImagePlugin"),
    *("pydantic.types", "pydantic.fields", "pydantic.type_adapter", "ruamel.yaml", "sqlite3"),
    *("filelock", "psutil", "pynvml", "rich.console", "tqdm", "typer"),
)
# The environment variable that switches forks off.
SWITCH = "LATENTGRID_FORKS"
MAX_REQUEST = 2**20  # bytes
SECONDS_TO_ASK = 1.0
MAX_WAITING = 1000
KILLED_BY = 128  # plus the signal's number, as shells put it


@dataclass(frozen=True)
class Job:
    """A fork, and the connection to the process that waits for its end."""

    fork: ForkProcess
    client: socket.socket


def start(address: Path) -> subprocess.Popen[bytes] | None:
    """Start a server that ends with this process, and put its address into the environment of jobs.

    Returns:
        The server; None where the system has no such sockets or forks, where `address` cannot be
        one, or where LATENTGRID_FORKS is `off`: then each job is a process of its own.
    """
    switch = os.environ.get(SWITCH, "on")
    if switch not in {"on", "off"}:
        sys.exit(f"error: {SWITCH}: found {switch!r}; allowed: on, off")
    if sys.platform != "linux" or switch == "off":
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        try:
            address.unlink(missing_ok=True)
            listener.bind(str(address))
            address.chmod(0o600)
            listener.listen(MAX_WAITING)
        except OSError:
            return None
        server = subprocess.Popen(
            [sys.executable, "-m", "latentgrid.jobs.fork_server"],
            env=os.environ | ONE_THREAD,
            stdin=listener.fileno(),
            stdout=subprocess.DEVNULL,
        )
    atexit.register(address.unlink, missing_ok=True)
    os.environ[SERVER] = str(address)
    return server


def main() -> None:
    """Import the libraries, and serve on the socket that is this process's standard input."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for library in LIBRARIES:
        importlib.import_module(library)
    loading.from_source()
    loading.compile_all()
    # A descriptor of its own, as a fork's first is its client's input.
    serve(socket.socket(fileno=os.dup(sys.stdin.fileno())))


def serve(listener: socket.socket) -> None:
    """Fork for each job that is asked for, and tell its client how it ended."""
    events = selectors.DefaultSelector()
    events.register(listener, selectors.EVENT_READ)
    while True:
        # One at a time: what is done about it may be the end of what else was ready.
        key, _ = events.select()[0]
        job: Job | None = key.data
        if job is None:
            with suppress(OSError):
                client, _ = listener.accept()
                job = fork_job(client)
                events.register(job.fork.sentinel, selectors.EVENT_READ, job)
                events.register(client, selectors.EVENT_READ, job)
        elif key.fileobj is job.client:  # it was killed
            events.unregister(job.client)
            job.fork.kill()
        else:
            events.unregister(job.fork.sentinel)
            with suppress(KeyError):
                events.unregister(job.client)
            report_status(job)


def fork_job(client: socket.socket) -> Job:
    """Return the job that a client asks for, begun.

    Raises:
        OSError: the client asks for nothing, or there can be no more forks. It is not kept waiting.
    """
    client.settimeout(SECONDS_TO_ASK)
    streams: list[int] = []
    try:
        request, streams, _, _ = socket.recv_fds(client, MAX_REQUEST, len(STREAMS))
        if len(streams) != len(STREAMS) or not is_same_user(client):
            raise ConnectionRefusedError
        fork = multiprocessing.get_context("fork").Process(
            target=run, args=(request, streams, client)
        )
        fork.start()
    except OSError:
        client.close()
        raise
    finally:
        for stream in streams:
            os.close(stream)
    return Job(fork, client)


def run(request: bytes, streams: list[int], client: socket.socket) -> None:
    """Take a client's place in this fork: its streams, folder, environment and arguments."""
    for number, stream in zip(STREAMS, streams, strict=True):
        os.dup2(stream, number)
        os.close(stream)
    job = json.loads(request)
    os.chdir(job["folder"])
    os.environ.update(job["environment"])
    sys.argv = job["arguments"]
    for module in [name for name in sys.modules if name.partition(".")[0] == loading.PACKAGE]:
        if module != loading.__name__:  # it has the package compiled
            del sys.modules[module]
    if job["interruptible"]:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        client.send(BEGUN + b"%d" % os.getpid())
    except OSError:  # it was interrupted while it waited
        return
    try:
        from latentgrid.jobs.client import run as run_job

        run_job(sys.argv[0])
    except Exception:
        traceback.print_exc()
        sys.exit(1)


def report_status(job: Job) -> None:
    """Tell the client of a job that has ended its exit status, if the client is still there."""
    job.fork.join()
    code = job.fork.exitcode
    assert code is not None
    with suppress(OSError):
        job.client.send(b"%d" % (code if code >= 0 else KILLED_BY - code))
    job.client.close()
    job.fork.close()


if __name__ == "__main__":
    main()
