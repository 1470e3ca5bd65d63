"""A receiver of numbered log lines that counts them and can be away, slow or refusing."""

import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from threading import Lock

from tests.agent_programs.processes import free_ports
from tests.agent_programs.receivers import RefusalError, Request, http_server

BEGINNING, END = re.compile(rb"begin (\d{7}) "), re.compile(rb" end (\d{7})")


def numbered(number: int, size: int) -> bytes:
    """Return a line of about that size, without its end, by both ends of which it is known whether all of it arrived."""
    return b"begin %07d %s end %07d" % (number, b"x" * max(size - 28, 0), number)


@dataclass(slots=True)
class LogReceiver:
    """What has arrived, and how the receiver behaves from now on. `status` 0 closes the connection without an answer."""

    port: int
    status: int = 200
    seconds: float = 0
    beginnings: Counter[int] = field(default_factory=Counter)
    ends: Counter[int] = field(default_factory=Counter)
    last: float = 0
    listening: ExitStack = field(default_factory=ExitStack)
    counting: Lock = field(default_factory=Lock)

    def answer(self, request: Request) -> bytes:
        """Count the lines of a request that is taken."""
        time.sleep(self.seconds)
        if self.status != 200:
            raise RefusalError(self.status)
        with self.counting:
            before = len(self.ends)
            self.count(request.body)
            if len(self.ends) > before:
                self.last = time.monotonic()
        return b"{}"

    def count(self, body: bytes) -> None:
        """Count what is numbered in the body of a request."""
        self.beginnings.update(map(int, BEGINNING.findall(body)))
        self.ends.update(map(int, END.findall(body)))

    def go_away(self) -> None:
        """Refuse new connections and close those that are there."""
        self.status = 0
        self.listening.close()

    def come_back(self) -> None:
        """Listen, and take what comes."""
        self.status = 200
        self.listening.enter_context(http_server(self.answer, self.port, keep=False))

    def lost(self, written: int) -> int:
        """Return how many of so many lines have not arrived whole."""
        return sum(not (number in self.beginnings and number in self.ends) for number in range(written))

    def twice(self) -> int:
        """Return how many lines came more than needed."""
        return sum(self.beginnings.values()) - len(self.beginnings)


@contextmanager
def log_receiver() -> Iterator[LogReceiver]:
    """Receive on a free port of 127.0.0.1."""
    receiver = LogReceiver(free_ports(1)[0])
    receiver.come_back()
    with receiver.listening:
        yield receiver
