"""The logging agent under a fault: within the limits of its container, numbered lines, a receiver that counts them."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tests.agent_programs.limits import Used, limited, used
from tests.agent_programs.log_receiver import LogReceiver, log_receiver, numbered
from tests.agent_programs.pods import Agent, lay_out
from tests.agent_programs.processes import Process, eventually, free_ports, pre_stop, running

STEP = 0.01
"""Seconds between two writes."""
LINE = 200
"""Bytes of a line, unless a fault says otherwise."""


class Figures(NamedTuple):
    """What a fault led to. `delay`: seconds from the last line, or the end of the fault, to the last arrival."""

    written: int
    lost: int
    twice: int
    delay: float
    memory: int
    cores: float

    def cells(self) -> tuple[str, ...]:
        """Return the figures as cells of a table."""
        shown = (f"{self.written:,}", f"{self.lost:,}", f"{self.twice:,}")
        return (*shown, f"{self.delay:.1f} s", f"{self.memory / 1024**2:.0f} MiB", f"{self.cores:.2f}")


@dataclass(slots=True)
class LoggingRun:
    """An agent that runs, and what was done to it."""

    agent: Agent
    receiver: LogReceiver
    within: Sequence[str]
    started: float = field(default_factory=time.monotonic)
    written: int = 0
    fault_ended: float = 0
    uses: list[Used] = field(default_factory=list)
    process: Process | None = None
    running: ExitStack = field(default_factory=ExitStack)

    @property
    def log(self) -> Path:
        """The file that the application writes."""
        return self.agent.path("/var/log/app/app.log")

    def start(self) -> None:
        """Start the agent, as after the end of another one in the same container."""
        self.process = self.running.enter_context(running(self.agent, self.within))

    def stop(self) -> int:
        """End the agent as a kubelet does, and return its exit status."""
        return self.ended(lambda process: process.stop())

    def end_pod(self) -> None:
        """End the agent as a kubelet ends a pod's container, by its preStop hook and SIGTERM, and leave nothing behind."""
        pre_stop(self.agent)
        assert self.stop() == 0
        self.forget()

    def kill(self) -> None:
        """End the agent as the kernel does where memory runs out."""
        self.ended(lambda process: process.process.kill() or process.process.wait())

    def ended(self, by: Callable[[Process], int]) -> int:
        assert self.process
        assert self.process.process.poll() is None, f"it ended by itself: {self.process.errors.read_text()[-2000:]}"
        self.uses.append(used(self.process.process.pid))
        status = by(self.process)
        self.running.close()
        return status

    def line(self, size: int = LINE) -> bytes:
        """Return the next line, without its end."""
        self.written += 1
        return numbered(self.written - 1, size)

    def write(self, lines: int, per_second: int, to: Path | None = None) -> None:
        """Write so many lines at that rate."""
        with (to or self.log).open("ab") as log:
            begin, done = time.monotonic(), 0
            while done < lines:
                due = min(lines, int((time.monotonic() - begin) * per_second) + 1)
                log.write(b"".join(self.line() + b"\n" for _ in range(due - done)))
                log.flush()
                done = due
                time.sleep(STEP)

    def over(self) -> None:
        """Say that the fault is over."""
        self.fault_ended = time.monotonic()

    def settle(self, patience: float = 20) -> None:
        """Wait until every line has arrived, or nothing has arrived for so many seconds."""
        self.over()
        while self.receiver.lost(self.written) and time.monotonic() - max(self.receiver.last, self.fault_ended) < patience:
            time.sleep(0.1)

    def arrives(self, since: int) -> None:
        """Wait until what was written since some line has arrived; AssertionError if it does not."""
        expected = set(range(since, self.written))
        assert eventually(lambda: expected <= self.receiver.ends.keys()), f"{expected - self.receiver.ends.keys()} are missing"

    def forget(self) -> None:
        """Remove what the agent has kept and all log files, as the end of a pod does."""
        for path in ("/var/lib/logging", "/var/log/app"):
            shutil.rmtree(self.agent.path(path))
            self.agent.path(path).mkdir()

    def figures(self) -> Figures:
        """Return what has come of it so far."""
        seconds = time.monotonic() - self.started
        return Figures(
            self.written,
            self.receiver.lost(self.written),
            self.receiver.twice(),
            max(self.receiver.last - self.fault_ended, 0),
            max(use.memory for use in self.uses),
            sum(use.cpu_seconds for use in self.uses) / seconds,
        )


@contextmanager
def logging_run(
    folder: Path, program: Path, values: Mapping[str, Any], pod: Mapping[str, str] | None = None
) -> Iterator[LoggingRun]:
    """Lay the agent out with these values and output `loki`, which both engines have; it is not started yet.

    `pod`: the declaration, platform and cluster version, where they are others than `lay_out` has.
    """
    with log_receiver() as receiver:
        output = {"type": "loki", "host": "127.0.0.1", "port": receiver.port}
        probes = {"port": free_ports(1)[0]}
        values = {"output": output, "probes": probes, "logLevel": "error", **values}
        agent = lay_out(folder, "logging", values, program, **(pod or {}))
        with limited(f"logging-{receiver.port}", agent.container["resources"]["limits"]) as within:
            run = LoggingRun(agent, receiver, within)
            with run.running:
                yield run
