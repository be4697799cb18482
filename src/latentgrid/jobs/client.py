"""A job of the workflow: `python -m latentgrid.jobs.client --as JOB MODULE …`.

It does as `python -m MODULE …` would. JOB is the name of the order in which the workflow wrote down
what the job is to make (`orders`).

A job would spend seconds on importing torch. If the workflow keeps a process that has done so, the
module runs in a fork of that one (`fork_server`), while this process waits; else it runs here.
"""

import json
import os
import runpy
import signal
import socket
import struct
import sys
import time
from pathlib import Path

from latentgrid.jobs.loading import from_source

# When this process, or this fork, loaded the package; a process's own date of birth has an error of
# up to a second.
BEGAN = time.monotonic()
# The environment variable with the socket of the fork server.
SERVER = "LATENTGRID_FORK_SERVER"
# The environment variable with the name of a process's job.
JOB = "LATENTGRID_JOB"
# What libraries read when they are imported; several threads would add up in another order, to
# other bits. Snakemake sets them for a job of one thread where it starts the job itself.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
STREAMS = (0, 1, 2)
# What a fork says when it has taken this process's place, with its process number; what comes later
# is its exit status.
BEGUN = b"begun "
MAX_ANSWER = 100  # bytes
PEER = struct.Struct("3i")  # process, user and group, as Linux tells them


def main() -> None:
    """Run the module that the command line names, here or in a fork."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["--as"]:
        _, os.environ[JOB], *arguments = arguments
    begun = request_fork(arguments)
    if begun:
        sys.exit(wait_for_status(*begun))
    sys.argv = arguments
    run(arguments[0])


def run(module: str) -> None:
    """Run a module in this process as `python -m` would, from its source and in one thread."""
    os.environ |= ONE_THREAD
    from_source()
    from latentgrid.jobs.orders import require_unchanged

    require_unchanged()
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def request_fork(arguments: list[str]) -> tuple[socket.socket, int] | None:
    """Let a fork do the job; return the connection to it and its process number.

    None if no fork has begun to.
    """
    address = os.environ.get(SERVER)
    if not address:
        return None
    job = {
        "arguments": arguments,
        "environment": dict(os.environ),
        "folder": str(Path.cwd()),
        "interruptible": signal.getsignal(signal.SIGINT) is not signal.SIG_IGN,
    }
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        server.connect(address)
        if is_same_user(server):
            socket.send_fds(server, [json.dumps(job).encode()], STREAMS)
            said = server.recv(MAX_ANSWER)
            if said.startswith(BEGUN):
                return server, int(said.removeprefix(BEGUN))
    except OSError:  # it may be gone, or unable to fork
        pass
    server.close()
    return None


def is_same_user(connection: socket.socket) -> bool:
    """Tell whether the process at the other end is the same user's; nobody else is obeyed."""
    peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER.size)
    _, user, _ = PEER.unpack(peer)
    return bool(user == os.getuid())


def wait_for_status(fork: socket.socket, process: int) -> int:
    """Wait for the fork and return its exit status. If this process dies, the fork is killed.

    The fork may have something to write down when it is asked to end: Ctrl-C reaches it by itself,
    SIGTERM is passed on.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: os.kill(process, number))
    status = fork.recv(MAX_ANSWER)
    if not status:
        sys.exit("error: the workflow's fork server was killed; run the same command again")
    return int(status)


if __name__ == "__main__":
    main()
