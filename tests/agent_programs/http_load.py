"""Requests at a steady rate over connections that stay open, each of them counted and timed.

As a process of its own, `python -m tests.agent_programs.http_load HOST PORT RATE`, it goes on until its standard input
ends, then prints one line of JSON.
"""

import asyncio
import json
import ssl
import statistics
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Load:
    """What became of the requests: how many there were, how long each answer took, and what went wrong."""

    sent: int = 0
    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    closed_as_told: int = 0

    def percentile(self, percent: int) -> float:
        """Return within how many milliseconds so many percent of the answers came."""
        return 1000 * statistics.quantiles(self.seconds, n=100, method="inclusive")[percent - 1]


class Connection:
    """A connection that stays open until the server says that it closes it."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self.tls = tls
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, host: str, port: int, path: str) -> bool:
        """Ask for a path; return whether the connection stays. OSError, or ValueError for any answer but 200."""
        if not self.streams:
            name = "localhost" if self.tls else None
            self.streams = await asyncio.open_connection(host, port, ssl=self.tls, server_hostname=name)
        reader, writer = self.streams
        writer.write(f"GET {path} HTTP/1.1\r\nHost: shop\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        lines = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        await reader.readexactly(int(lines["content-length"]))
        stays = lines.get("connection") != "close"
        if not stays:
            self.close()
        if " 200 " not in head.split("\r\n")[0]:
            raise ValueError(head.split("\r\n")[0])
        return stays

    def close(self) -> None:
        """Close it; the next request opens another."""
        if self.streams:
            self.streams[1].close()
        self.streams = None


async def load(
    where: Callable[[], tuple[str, int]],
    rate: float,
    seconds: float,
    *,
    path: str = "/",
    connections: int = 50,
    tls: ssl.SSLContext | None = None,
    asks: int = 1_000_000,
    ended: threading.Event | None = None,
) -> Load:
    """Send `rate` requests a second over connections, `asks` over each, to where a function says for each new one."""
    result, begin = Load(), time.monotonic()

    async def work(number: int) -> None:
        connection, turn, asked = Connection(tls), begin + number / rate, 0
        while turn < begin + seconds and not (ended and ended.is_set()):
            await asyncio.sleep(max(turn - time.monotonic(), 0))
            turn += connections / rate
            result.sent += 1
            start = time.monotonic()
            try:
                result.closed_as_told += not await asyncio.wait_for(connection.ask(*where(), path), 30)
                result.seconds.append(time.monotonic() - start)
                asked += 1
                if asked % asks == 0:
                    connection.close()
            except (OSError, ValueError, EOFError, asyncio.TimeoutError) as error:
                result.failures.append(f"{start - begin:.2f} s: {error!r}")
                connection.close()
        connection.close()

    await asyncio.gather(*map(work, range(connections)))
    return result


if __name__ == "__main__":
    over = threading.Event()
    threading.Thread(target=lambda: sys.stdin.read() or over.set(), daemon=True).start()
    where = (sys.argv[1], int(sys.argv[2]))
    done = asyncio.run(load(lambda: where, float(sys.argv[3]), 3600, asks=20, ended=over))
    print(json.dumps({"sent": done.sent, "failures": done.failures}))
