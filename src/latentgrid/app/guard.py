"""Keeps the explorer's results from pages of other hosts that are open in the same browser."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

LOOPBACK = ("127.0.0.1", "localhost", "::1")
REFUSED = "The explorer answers its own pages only, at the address that it printed."


class Guard:
    """Refuses requests that a page of another host makes, and those for hidden files.

    A page elsewhere can have its own name lead to this machine, and then reads what it is answered;
    so on the loopback the named host must be the loopback. With any other address whoever reaches
    it may look, and only a page's origin is asked for.
    """

    def __init__(self, app: ASGIApp, host: str) -> None:
        self._app, self._names = app, LOOPBACK if host in LOOPBACK else ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, or refuse it."""
        if scope["type"] not in {"http", "websocket"} or self._may(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await WebSocketClose(reason=REFUSED)(scope, receive, send)
        else:
            await PlainTextResponse(REFUSED, 403)(scope, receive, send)

    def _may(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        named, origin = headers.get("host", ""), headers.get("origin")
        is_ours = not self._names or _host_of(f"//{named}") in self._names
        is_from_us = origin is None or urlsplit(origin).netloc == named
        is_hidden = any(part.startswith(".") for part in scope["path"].split("/"))
        return is_ours and is_from_us and not is_hidden


def _host_of(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
