"""What a request must be before anything looks at it: for this host, from this page, and small."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 64 * 1024
MAX_URL_BYTES = 2048
LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")
HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Guard:
    """ASGI middleware: refuses foreign hosts (DNS rebinding), foreign origins, and what is too large; adds headers.

    Args:
        app: what is guarded.
        hosts: the names that this server goes by, without port; ``*.example.org`` allows what lies below.
        proxies: how many reverse proxies stand before it; see :func:`visitor_of`.
        most_each: how many requests of one visitor may be under way; any number without it.
    """

    def __init__(
        self, app: ASGIApp, *, hosts: Sequence[str] = LOCAL_HOSTS, proxies: int = 0, most_each: int | None = None
    ) -> None:
        self._app = app
        self._hosts = tuple(host.lower() for host in hosts)
        self._proxies, self._most_each = proxies, most_each
        self._under_way: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def guarded_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        visitor = visitor_of(scope, self._proxies)
        refusal = self._refusal(scope)
        if refusal is None and self._most_each is not None and self._under_way[visitor] >= self._most_each:
            refusal = 429, f"expected at most {self._most_each} requests at once; close a tab"
        if refusal is not None:
            status, words = refusal
            await JSONResponse({"error": words}, status)(scope, receive, guarded_send)
            return
        left = MAX_BODY_BYTES

        async def small_receive() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise TooLargeError
            return message

        self._under_way[visitor] += 1
        try:
            await self._app(scope, small_receive, guarded_send)
        finally:
            self._under_way[visitor] -= 1
            if not self._under_way[visitor]:
                del self._under_way[visitor]

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        if not self._knows(_name_of(headers.get("host", ""))):
            return 403, "expected a request for this server by its own name; --allow-host adds another"
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2].lower() != headers.get("host", "").lower():
            return 403, "expected a request from this server's own page"
        if scope["method"] not in ("GET", "HEAD"):
            if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
                return 403, "expected a request from this server's own page"
            if headers.get("content-type", "").partition(";")[0] != "application/json":
                return 415, "expected JSON"
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MAX_BODY_BYTES:
            return 413, f"expected at most {MAX_BODY_BYTES} bytes"
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_URL_BYTES:
            return 414, f"expected an address of at most {MAX_URL_BYTES} bytes"
        return None

    def _knows(self, name: str) -> bool:
        return any(name == host or (host.startswith("*.") and name.endswith(host[1:])) for host in self._hosts)


def visitor_of(scope: Scope, proxies: int = 0) -> str:
    """Whom caps on a public server count by: the address that a request comes from, of IPv6 its network.

    Behind ``proxies`` reverse proxies, each of which adds whom it was asked by to ``X-Forwarded-For``, it is the
    address that the outermost of them added; what stands before that is only what the visitor says.
    """
    address = (scope.get("client") or ("", 0))[0]
    if proxies:
        told = [word.strip() for word in Headers(scope=scope).get("x-forwarded-for", "").split(",")]
        address = told[-proxies] if len(told) >= proxies and told[-proxies] else address
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return str(address)[:64]
    return str(found) if found.version == 4 else str(ipaddress.ip_network(f"{found}/64", strict=False))


class TooLargeError(ValueError):
    """A body that goes on beyond what is allowed."""

    def __str__(self) -> str:
        return f"expected at most {MAX_BODY_BYTES} bytes"


def _name_of(host: str) -> str:
    """A Host header without its port."""
    host = host.lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]
