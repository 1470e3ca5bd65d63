"""An application of HTTP/1.1, as a process: `python -m tests.agent_programs.http_application PORT [KEEP_ALIVE_SECONDS]`.

`/bytes/N` answers with N bytes, `/sleep/S` after S seconds, all else with the number of bytes that came in. An idle connection
is closed after the seconds of the second argument, never without one. On SIGTERM it ends at once.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

BLOCK = bytes(256 * 1024)


async def body(reader: asyncio.StreamReader, headers: dict[str, str]) -> AsyncIterator[int]:
    """Read a body, and yield the size of each part."""
    if "chunked" in headers.get("transfer-encoding", ""):
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
            yield size
        await reader.readline()
        return
    rest = int(headers.get("content-length", 0))
    while rest:
        part = await reader.read(min(rest, len(BLOCK)))
        if not part:
            raise asyncio.IncompleteReadError(part, rest)
        rest -= len(part)
        yield len(part)


async def answer(writer: asyncio.StreamWriter, path: str, received: int) -> None:
    """Answer one request."""
    kind, _, argument = path.strip("/").partition("/")
    if kind == "sleep":
        await asyncio.sleep(float(argument))
    if kind != "bytes":
        text = str(received).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
        return
    rest = int(argument)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % rest)
    while rest:
        part = BLOCK[: min(rest, len(BLOCK))]
        writer.write(part)
        await writer.drain()
        rest -= len(part)


async def main(port: int, keep_alive: float | None) -> None:
    """Serve for ever."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), keep_alive)
                first, *lines = head.decode("latin-1").rstrip().split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                received = sum([size async for size in body(reader, headers)])
                await answer(writer, first.split()[1], received)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.TimeoutError, OSError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port, backlog=4096, limit=1024 * 1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]) if sys.argv[2:] else None))
