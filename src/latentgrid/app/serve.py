"""Starts the explorer's server."""

import socket

import torch
import uvicorn
from shiny.reactive import _reactives
from shiny.session import _session

from latentgrid.app.guard import Guard
from latentgrid.app.page import explorer
from latentgrid.errors import UserError

HIGHEST_PORT = 65_535


def serve(begin: str, host: str, port: int) -> None:
    """Show the explorer until it is interrupted.

    Args:
        begin: the data set to begin with.
        host: the address on which it listens; only the loopback's is closed to other machines.
        port: where it listens.

    Raises:
        UserError: it cannot listen there.
    """
    _require_free(host, port)
    _leave_sources_unread()
    torch.set_num_threads(1)  # a few images are decoded faster by one than by several that meet
    print(f"Explorer: {address(host, port)} (Ctrl-C ends it)", flush=True)
    app = Guard(explorer(begin), host)
    uvicorn.run(app, host=host, port=port, log_level="warning", lifespan="on")


def address(host: str, port: int) -> str:
    """Return the address of the page, in which an IPv6 address stands in brackets."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _leave_sources_unread() -> None:
    """Keep Shiny 1.8 from parsing the source of each function that shows something.

    It does so for each visitor, for traces that nobody collects, and cannot be told not to: more
    than half of the time in which a page opens, when no other visitor is answered.
    """
    for module in (_reactives, _session):
        module.extract_source_ref = _no_source  # type: ignore[attr-defined]


def _no_source(_: object) -> dict[str, str]:
    return {}


def _require_free(host: str, port: int) -> None:
    if not 0 < port <= HIGHEST_PORT:
        raise UserError(f"--port: found {port}; allowed: 1 to {HIGHEST_PORT}")
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(
            f"cannot listen on {host}, port {port} ({reason}); name another with --port"
        ) from None
