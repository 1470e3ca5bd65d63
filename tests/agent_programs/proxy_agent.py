"""The proxy agent in front of an application, and what a kubelet does to it at the end."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.agent_programs.limits import limited, used
from tests.agent_programs.pods import Agent, Secrets, lay_out
from tests.agent_programs.processes import Process, answers, eventually, free_ports, running


@dataclass(frozen=True, slots=True)
class Proxy:
    """A running proxy, and the port that Services name."""

    agent: Agent
    process: Process
    listener: int

    def memory(self) -> int:
        """Return the most mebibytes that it has held so far."""
        return used(self.process.process.pid).memory >> 20

    def limit(self) -> int:
        """Return the mebibytes that its container may have."""
        return int(self.agent.container["resources"]["limits"]["memory"].removesuffix("Mi"))

    def pre_stop(self) -> "subprocess.Popen[bytes]":
        """Start what the kubelet runs before it sends SIGTERM."""
        return subprocess.Popen(self.agent.container["lifecycle"]["preStop"]["exec"]["command"])


@contextmanager
def proxy_before(
    port: int, folder: Path, program: Path, values: Mapping[str, Any] | None = None, secrets: Secrets | None = None
) -> Iterator[Proxy]:
    """Run the proxy in front of a port of an application, within the limits of its container."""
    values = values or {}
    admin, probe, egress, listener = free_ports(4)
    while listener <= port:
        (listener,) = free_ports(1)
    at = {
        "inbound": {"portOffset": listener - port, **values.get("inbound", {})},
        "egress": {"port": egress},
        "admin": {"port": admin},
        "probes": {"port": probe},
    }
    agent = lay_out(folder, "proxy", {**values, **at}, program, ports={"web": port}, secrets=secrets)
    limits = agent.container["resources"]["limits"]
    with limited(f"proxy-{listener}", limits) as within, running(agent, within) as process:
        yield Proxy(agent, process, listener)


@contextmanager
def running_application(keep_alive: float | None = None) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    """Run http_application.py, and yield its port and its process."""
    port = free_ports(2)[0]
    words = [str(port), *([] if keep_alive is None else [str(keep_alive)])]
    with subprocess.Popen([sys.executable, "-m", "tests.agent_programs.http_application", *words]) as process:
        try:
            assert eventually(lambda: answers(f"http://127.0.0.1:{port}/"))
            yield port, process
        finally:
            process.kill()


@contextmanager
def application(keep_alive: float | None = None) -> Iterator[int]:
    """Run http_application.py, and yield its port."""
    with running_application(keep_alive) as (port, _):
        yield port
