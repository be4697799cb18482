"""A job of the workflow: `python -m latentgrid.job MODULE …` does what `python -m MODULE …` does.

A job would spend seconds on importing torch. If the workflow keeps a process that has done so, the
module runs in a fork of that one (`fork_server`), while this process waits; else it runs here.
"""

import json
import os
import runpy
import signal
import socket
import sys
from pathlib import Path

# The environment variable with the socket of the fork server.
SERVER = "LATENTGRID_FORK_SERVER"
STREAMS = (0, 1, 2)
GONE = 1


def main() -> None:
    """Run the module that the command line names, here or in a fork."""
    arguments = sys.argv[1:]
    server = accepted(arguments)
    if server:
        sys.exit(ended(server))
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


def accepted(arguments: list[str]) -> socket.socket | None:
    """Ask the server for a fork in this process's place; return the connection if it is there."""
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
        socket.send_fds(server, [json.dumps(job).encode()], STREAMS)
    except OSError:
        server.close()
        return None
    return server


def ended(server: socket.socket) -> int:
    """Wait for the fork and return its exit status. If this process dies, the fork is killed.

    Ctrl-C reaches the fork by itself, which may have something to write down.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    status = server.recv(1)
    if not status:
        print("error: the workflow's fork server was killed", file=sys.stderr)
        return GONE
    return status[0]


if __name__ == "__main__":
    main()
