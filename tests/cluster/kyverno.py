"""Kyverno's admission controller, run beside an API server: it registers itself as a webhook and applies its policies."""

import os
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.agent_programs.processes import eventually, free_ports
from tests.cluster.conftest import Cluster
from tests.support.real_tools import TOOLS, tool

OBJECTS = """\
apiVersion: v1
kind: Namespace
metadata: {name: kyverno}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: kyverno, namespace: kyverno}
data: {resourceFilters: "[*/*,kyverno,*]"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: kyverno-metrics, namespace: kyverno}
data: {}
"""
ENVIRONMENT = {
    "KYVERNO_NAMESPACE": "kyverno",
    "KYVERNO_SERVICEACCOUNT_NAME": "kyverno-admission-controller",
    "KYVERNO_DEPLOYMENT": "kyverno-admission-controller",
    "KYVERNO_POD_NAME": "kyverno-admission-controller",
    "KYVERNO_SVC": "kyverno-svc",
    "INIT_CONFIG": "kyverno",
    "METRICS_CONFIG": "kyverno-metrics",
}
SECONDS = 180


@contextmanager
def kyverno_on(server: Cluster, folder: Path) -> Iterator[None]:
    """Run the controller for an API server, with its log in a folder; it is ready when its webhooks are registered."""
    server.kubectl("apply", "--server-side", "--recursive", "-f", TOOLS / "kyverno-crds")
    # kubectl wait fails at once for a definition that has no conditions yet.
    established = ("wait", "--for=condition=Established", "--all", "crd", "--timeout=10s")
    assert eventually(lambda: server.run(*established).returncode == 0, 60), server.run(*established).stderr
    server.kubectl("apply", "-f-", stdin=OBJECTS)
    port, of_metrics = free_ports(2)
    command = [
        tool("kyverno-controller"),
        f"--kubeconfig={server.kubeconfig}",
        f"--serverIP=127.0.0.1:{port}",
        "--webhookServerHost=127.0.0.1",
        f"--webhookServerPort={port}",
        "--caSecretName=kyverno-svc.kyverno.svc.kyverno-tls-ca",
        "--tlsSecretName=kyverno-svc.kyverno.svc.kyverno-tls-pair",
        "--metricsHost=127.0.0.1",
        f"--metricsPort={of_metrics}",  # it listens with --disableMetrics too
        "--controllerRuntimeMetricsAddress=0",
        "--admissionReports=false",
        "--enableReporting=",
        "--disableLogColor",
    ]
    log = folder / "kyverno.log"
    with log.open("w") as to:
        process = subprocess.Popen(command, env={**os.environ, **ENVIRONMENT}, stdout=to, stderr=to)
    try:
        _wait_for(server, process, port, log)
        yield
    finally:
        process.terminate()
        process.wait(60)


def _wait_for(server: Cluster, process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and process.poll() is None:
        registered = (
            server.run("get", "validatingwebhookconfiguration", "kyverno-policy-validating-webhook-cfg").returncode == 0
        )
        if registered and _is_ready(port):
            return
        time.sleep(0.5)
    pytest.fail(f"Kyverno is not ready\n{log.read_text()[-4000:]}", pytrace=False)


def _is_ready(port: int) -> bool:
    """Say whether the controller answers by TLS that it is ready; its certificate is its own."""
    handlers = urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=ssl._create_unverified_context())
    try:
        with urllib.request.build_opener(*handlers).open(f"https://127.0.0.1:{port}/health/readiness", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
