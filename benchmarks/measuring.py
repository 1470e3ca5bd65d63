"""What the benchmarks share: manifests of any number, a program that is timed, and the settings both sides get."""

import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
HELM = ROOT / "tools" / "bin" / "helm4"
KUSTOMIZE = ROOT / "tools" / "bin" / "kustomize"
PROGRAM = Path(sys.executable).parent / "sidecar-plugin"

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


def manifests(deployments: int) -> str:
    """Return a stream of so many Deployments, each with a Service and a ConfigMap: three documents each."""
    return "---\n" + "---\n".join(
        template.format(number=number) for number in range(deployments) for template in (CONFIG_MAP, SERVICE, DEPLOYMENT)
    )


class Cost(NamedTuple):
    """What one run took: seconds on the clock, and the most memory it held, in bytes."""

    seconds: float
    memory: int


def cost(command: Iterable[str | Path], stdin: Path | None = None, stdout: Path | None = None) -> Cost:
    """Run a command to its successful end, with files as its standard input and output."""
    with (stdin or Path(os.devnull)).open("rb") as source, (stdout or Path(os.devnull)).open("wb") as target:
        start = time.perf_counter()
        process = subprocess.Popen(list(command), stdin=source, stdout=target, stderr=subprocess.PIPE)
        words = process.stderr.read() if process.stderr else b""
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(map(str, process.args))}: {words.decode(errors='replace')}")
    return Cost(seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))


def about_this_machine() -> str:
    """Return one line on what the figures were measured with."""
    load = os.getloadavg()[0]
    return f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {load:.1f}"
