"""A job of the workflow: `python -m latentgrid.job MODULE …` does what `python -m MODULE …` does.

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
from pathlib import Path

# The environment variable with the socket of the fork server.
SERVER = "LATENTGRID_FORK_SERVER"
STREAMS = (0, 1, 2)
# What a fork says when it has taken this process's place; what comes later is its exit status.
BEGUN = b"begun"
PEER = struct.Struct("3i")  # process, user and group, as Linux tells them


def main() -> None:
    """Run the module that the command line names, here or in a fork."""
    arguments = sys.argv[1:]
    fork = begun(arguments)
    if fork:
        sys.exit(status_of(fork))
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


def begun(arguments: list[str]) -> socket.socket | None:
    """Return the connection to a fork that does the job, or None if none has begun to."""
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
        if is_mine(server):
            socket.send_fds(server, [json.dumps(job).encode()], STREAMS)
            if server.recv(len(BEGUN)) == BEGUN:
                return server
    except OSError:  # it may be gone, or unable to fork
        pass
    server.close()
    return None


def is_mine(connection: socket.socket) -> bool:
    """Tell whether the process at the other end is the same user's; nobody else is obeyed."""
    peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER.size)
    _, user, _ = PEER.unpack(peer)
    return bool(user == os.getuid())


def status_of(fork: socket.socket) -> int:
    """Wait for the fork and return its exit status. If this process dies, the fork is killed.

    Ctrl-C reaches the fork by itself, which may have something to write down.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    status = fork.recv(len(BEGUN))
    if not status:
        sys.exit("error: the workflow's fork server was killed; run the same command again")
    return int(status)


if __name__ == "__main__":
    main()
