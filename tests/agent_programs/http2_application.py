"""An application of HTTP/1.1 and HTTP/2 without TLS, for hypercorn: it answers with the version of HTTP it was asked in."""

from collections.abc import Awaitable, Callable
from typing import Any


async def application(
    scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Callable[[dict[str, Any]], Awaitable[None]]
) -> None:
    """Read the body of a request and answer it."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": f"HTTP/{scope['http_version']}".encode()})
