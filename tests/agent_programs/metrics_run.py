"""The monitoring agent under a fault: within the limits of its container, numbered scrapes, a receiver that counts them."""

import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.agent_programs.limits import limited
from tests.agent_programs.log_receiver import LogReceiver
from tests.agent_programs.logging_run import LoggingRun
from tests.agent_programs.pods import lay_out
from tests.agent_programs.processes import eventually, free_ports
from tests.agent_programs.receivers import Request, http_server

SERIES = 1_000
PATHS: Mapping[str, str] = {"otlphttp": "", "prometheusremotewrite": "/api/v1/write"}
"""The exports that speak HTTP, and the path of their endpoint."""


def value(scrape: int) -> float:
    """Return a value whose eight bytes nothing else has."""
    return 1_000_000 + scrape + 1 / 3


@dataclass(slots=True)
class MetricReceiver(LogReceiver):
    """What has arrived of numbered scrapes, by OTLP or remote write."""

    served: int = 0

    def scraped(self, _: Request) -> bytes:
        """Answer a scrape."""
        self.served += 1
        series = "".join(f'shop_stock{{item="{number}"}} 7\n' for number in range(SERIES))
        return f"# TYPE shop_scrape gauge\nshop_scrape {value(self.served - 1)!r}\n# TYPE shop_stock gauge\n{series}".encode()

    def count(self, body: bytes) -> None:
        """Count the scrapes whose value a body has."""
        for number in range(self.served):
            times = body.count(struct.pack("<d", value(number)))
            if times:
                self.beginnings[number] += times
                self.ends[number] += times


@dataclass(slots=True)
class MonitoringRun(LoggingRun):
    """An agent that scrapes an application, and what was done to it."""

    receiver: MetricReceiver

    def scrape(self, times: int = 1) -> None:
        """Wait until the application has been scraped so many times more; AssertionError if it is not."""
        wanted = self.receiver.served + times
        assert eventually(lambda: self.receiver.served >= wanted, 60)

    def over(self) -> None:
        """Say that the fault is over. What is scraped from now on does not count."""
        self.written = self.receiver.served
        super(MonitoringRun, self).over()

    def settle(self, patience: float = 30) -> None:
        """Wait until every scrape has arrived, for so many seconds: others go on to come."""
        self.over()
        eventually(lambda: not self.receiver.lost(self.written), patience)

    def forget(self) -> None:
        """There is nothing that the agent keeps."""


@contextmanager
def monitoring_run(folder: Path, program: Path, export: str, interval: int) -> Iterator[MonitoringRun]:
    """Lay the agent out for an application that is scraped every `interval` seconds; it is not started yet."""
    probe, grpc, http, port = free_ports(4)
    receiver = MetricReceiver(port)
    receiver.come_back()
    with receiver.listening, http_server(receiver.scraped, content_type="text/plain") as application:
        values: dict[str, Any] = {
            "probes": {"port": probe},
            "otlp": {"grpcPort": grpc, "httpPort": http},
            "scrape": {"intervalSeconds": interval},
            "export": {"type": export, "endpoint": f"http://127.0.0.1:{port}{PATHS[export]}"},
            "logLevel": "error",
        }
        agent = lay_out(folder, "monitoring", values, program, ports={"metrics": application.port})
        with limited(f"monitoring-{port}", agent.container["resources"]["limits"]) as within:
            run = MonitoringRun(agent, receiver, within)
            with run.running:
                yield run
