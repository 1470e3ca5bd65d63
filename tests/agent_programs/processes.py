"""Running an agent's real program: its own check of a configuration, start until the startup probe answers, stop by SIGTERM."""

import contextlib
import os
import random
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.agent_programs.pods import Agent

GRACE_SECONDS = 30  # terminationGracePeriodSeconds, where a pod does not say
Seen = TypeVar("Seen")


def free_ports(count: int) -> list[int]:
    """Return ports in ascending order that nobody listens on, below those that the kernel gives to outgoing connections."""
    with contextlib.ExitStack() as taken:
        ports: list[int] = []
        while len(ports) < count:
            candidate = taken.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                candidate.bind(("", random.randrange(16_000, 32_000)))
                ports.append(candidate.getsockname()[1])
    return sorted(ports)


def eventually(look: Callable[[], Seen], seconds: float = 20) -> Seen:
    """Return the first true result of a function that is called again and again, or its last."""
    end = time.monotonic() + seconds
    while not (seen := look()) and time.monotonic() < end:
        time.sleep(0.05)
    return seen


def answers(url: str) -> bool:
    """Say whether an address answers with 200."""
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@dataclass(frozen=True, slots=True)
class Process:
    """A running agent."""

    process: subprocess.Popen[bytes]
    output: Path
    errors: Path

    def stop(self) -> int:
        """End the agent as a kubelet does, and return its exit status; being killed is an error."""
        self.process.terminate()
        return self.process.wait(GRACE_SECONDS)


def check(agent: Agent, *arguments: str, instead_of_its_own: bool = False) -> None:
    """Let a program check the agent's configuration, with further arguments or with others; AssertionError if it refuses."""
    command = (agent.command[0], *([] if instead_of_its_own else agent.command[1:]), *arguments)
    done = subprocess.run(command, env=environment(agent), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"


@contextmanager
def running(agent: Agent, within: Sequence[str] = ()) -> Iterator[Process]:
    """Start an agent, wait until its startup probe passes, and see to it that it is gone at the end. `within`: words before."""
    output, errors = agent.folder / "stdout", agent.folder / "stderr"
    with output.open("wb") as out, errors.open("wb") as err:
        command = (*within, *agent.command)
        process = subprocess.Popen(command, env=environment(agent), stdout=out, stderr=err, cwd=agent.folder)
    try:
        probe = agent.container["startupProbe"]["httpGet"]
        url = f"http://127.0.0.1:{probe['port']}{probe['path']}"
        started = eventually(lambda: answers(url) or process.poll() is not None)
        assert started and process.poll() is None, f"did not start: {output.read_text()}{errors.read_text()}"
        yield Process(process, output, errors)
    finally:
        process.kill()
        process.wait()


def pre_stop(agent: Agent) -> None:
    """Do what the container's preStop hook says, as a kubelet does before SIGTERM; a hook that fails is passed over."""
    hook = agent.container.get("lifecycle", {}).get("preStop", {})
    time.sleep(hook.get("sleep", {"seconds": 0})["seconds"])
    if "exec" in hook:
        command = (agent.command[0], *hook["exec"]["command"][1:])
        subprocess.run(command, env=environment(agent), capture_output=True, timeout=GRACE_SECONDS, check=False)


def environment(agent: Agent) -> dict[str, str]:
    """Return the container's environment, on top of where the machine has its programs."""
    return {"PATH": os.environ["PATH"], **agent.environment}
