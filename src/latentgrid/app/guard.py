"""Keeps the explorer's results from pages of other hosts that are open in the same browser."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

REFUSED = "The explorer answers its own pages only, at the address that it printed."


class Guard:
    """Refuses requests that a page of another host makes, and those for hidden files.

    A page elsewhere can have its own name lead to this machine, and then reads what it is answered;
    so on the loopback the named host must be the loopback. With any other address whoever reaches
    it may look, and only a page's origin is asked for.
    """

    def __init__(self, app: ASGIApp, host: str) -> None:
        self._app, self._is_closed = app, _is_loopback(host)

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
        is_ours = not self._is_closed or _is_loopback(_host_of(f"//{named}"))
        is_from_us = origin is None or origin.partition("://")[2] == named
        is_hidden = any(part.startswith(".") for part in scope["path"].split("/"))
        return is_ours and is_from_us and not is_hidden


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # another name
        return False


def _host_of(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
