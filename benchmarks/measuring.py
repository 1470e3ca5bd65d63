"""What the benchmarks share: manifests of any number, a program that is timed, and the settings both sides get."""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
HELM = ROOT / "tools" / "bin" / "helm4"
KUSTOMIZE = ROOT / "tools" / "bin" / "kustomize"

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-{number}
  labels:
    app: app-{number}
spec:
  replicas: 2
  selector:
    matchLabels:
      app: app-{number}
  template:
    metadata:
      labels:
        app: app-{number}
    spec:
      containers:
        - name: app
          image: registry.example.com/app:{number}
          ports:
            - name: http
              containerPort: 8080
          resources:
            requests: {{cpu: 100m, memory: 128Mi}}
          volumeMounts:
            - name: config
              mountPath: /etc/app
      volumes:
        - name: config
          configMap:
            name: app-{number}
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: app-{number}
spec:
  selector:
    app: app-{number}
  ports:
    - name: http
      port: 80
      targetPort: http
"""
CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: app-{number}
data:
  level: info
  greeting: |
    # shown to customers
    Hello from app {number}
"""
SETTINGS = """\
apiVersion: sidecar-plugin.dev/v1alpha1
kind: SidecarInjection
metadata:
  name: benchmark
spec:
  clusterVersion: "1.28"
  platform: kubernetes
  agents:
    agent:
      enabled: true
      template: |
        container:
          name: agent
          image: registry.example.com/agent:1
          volumeMounts: [{name: agent-logs, mountPath: /var/log/agent}]
        volumes: [{name: agent-logs, emptyDir: {}}]
"""


class Target(NamedTuple):
    """A figure that was promised, and what was measured."""

    promise: str
    measured: str
    met: bool


class Section(NamedTuple):
    """A table of figures, its rows as text, with the promises it bears on and the points of its plot."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    targets: list[Target]
    lines: Mapping[str, list[tuple[float, float]]]


@contextmanager
def installed_program() -> Iterator[Path]:
    """Install the project as users do, not editable and compiled, and give the program until the end of the block."""
    with TemporaryDirectory(prefix="sidecar-plugin-benchmark-") as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = Path(folder, "bin", "python")
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", ROOT], check=True)
        yield Path(folder, "bin", "sidecar-plugin")


def manifests(deployments: int) -> str:
    """Return a stream of so many Deployments, each with a Service and a ConfigMap: three documents each."""
    return "---\n" + "---\n".join(
        template.format(number=number) for number in range(deployments) for template in (CONFIG_MAP, SERVICE, DEPLOYMENT)
    )


class Cost(NamedTuple):
    """What one run took: seconds on the clock, and the most memory it held, in bytes."""

    seconds: float
    memory: int


# A process of its own starts the command: Linux counts the memory of the process that forks as the child's, and ours grows.
LAUNCHER = """
import os, sys, time
start = time.perf_counter()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
report = f"{time.perf_counter() - start} {usage.ru_maxrss} {os.waitstatus_to_exitcode(status)}"
os.write(int(os.environ["BENCHMARK_REPORT"]), report.encode())
"""


def cost(command: Iterable[str | Path], stdin: Path | None = None, stdout: Path | None = None) -> Cost:
    """Run a command to its successful end, with files as its standard input and output."""
    words = [str(word) for word in command]
    reading, writing = os.pipe()
    with (stdin or Path(os.devnull)).open("rb") as source, (stdout or Path(os.devnull)).open("wb") as target:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", LAUNCHER, *words],
            stdin=source,
            stdout=target,
            stderr=subprocess.PIPE,
            pass_fds=[writing],
            env={**os.environ, "BENCHMARK_REPORT": str(writing)},
            check=False,
        )
    os.close(writing)
    with os.fdopen(reading) as report:
        figures = report.read().split()
    if done.returncode or figures[-1] != "0":
        sys.exit(f"{' '.join(words)}: {done.stderr.decode(errors='replace')}")
    return Cost(float(figures[0]), int(figures[1]) * (1 if sys.platform == "darwin" else 1024))


def costs_in_turns(commands: Mapping[str, tuple[Iterable[str | Path], Path | None]], runs: int) -> dict[str, Cost]:
    """Run commands, each with its standard input, in turns (A B C A B C), and return the medians of each."""
    rounds = [{name: cost(command, stdin) for name, (command, stdin) in commands.items()} for _ in range(runs)]
    return {name: Cost(*map(median, zip(*(spent[name] for spent in rounds), strict=True))) for name in commands}


def print_section(section: Section) -> None:
    """Print a table and the promises it bears on."""
    table = [section.columns, *section.rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(section.columns))]
    print(f"\n{section.title}; {about_this_machine()}")
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for target in section.targets:
        print(f"{'met' if target.met else 'NOT MET'}: {target.promise}: {target.measured}")


def about_this_machine() -> str:
    """Return one line on what the figures were measured with."""
    load = os.getloadavg()[0]
    return f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {load:.1f}"
