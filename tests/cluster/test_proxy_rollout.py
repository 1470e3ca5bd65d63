"""The agent proxy comes into the path of a Service and leaves it again by Helm upgrades, while clients ask all the time."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.agent_programs.measured_tables import Table
from tests.cluster.conftest import CHART, RECIPE
from tests.cluster.test_rolling_upgrade import SERVICE, helm_runs
from tests.support.real_tools import ROOT, Helm

AGENT = "sidecars.agents.proxy"
STEPS = {
    "agent on": {"enabled": "true", "services": "false"},
    "services on": {"enabled": "true", "services": "true"},
    "services off": {"enabled": "true", "services": "false"},
    "agent off": {"enabled": "false", "services": "false"},
}
"""The upgrades of a way that loses nothing, one after the other."""
AT_ONCE = {
    "agent and services on": {"enabled": "true", "services": "true"},
    "agent and services off": {"enabled": "false", "services": "false"},
}
ROWS = ("agent on, services on, services off, agent off", "agent and services on, agent and services off")
TABLE = Table("rollout", ("upgrades", "requests", "lost"), [(name,) for name in ROWS], command="make test-cluster")


@pytest.fixture
def shop(helm4: Helm, space: str, envoy: str) -> Any:
    """Return a function that brings a chart of a Service and two pods to the node, with these values of the agent."""
    chart = helm4.shell.folder / "shop"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 0.1.0\n")
    (chart / "templates" / "shop.yaml").write_text(SERVICE)
    for name in ("values.yaml", "templates/sidecars.yaml"):
        (chart / name).write_text((CHART / name).read_text())
    image = {"image.repository": envoy.rpartition(":")[0], "image.pullPolicy": "Never", "drain.seconds": "4"}

    def brought(command: str, **values: str) -> None:
        settings = ["sidecars.agents.recorder.enabled=false"]
        settings += [f"{AGENT}.{name}={value}" for name, value in {**image, **values}.items()]
        options = [word for setting in settings for word in ("--set", setting)]
        helm_runs(command, helm4, chart, "--namespace", space, "--wait", "--timeout", "90s", *options)

    return brought


@contextmanager
def asked(cluster: Any, space: str) -> Iterator[dict[str, Any]]:
    """Send 50 requests a second to the Service over connections that stay open; what came of them is there at the end."""
    address = cluster.get("service", "shop", "-n", space)["spec"]["clusterIP"]
    enter = [RECIPE / "enter", cluster.folder]
    # The node itself has no default route, and what it sends to a Service needs one before it is rewritten.
    subprocess.run([*enter, "ip", "route", "replace", address, "dev", "eth0"], check=True)
    words = [*enter, sys.executable, "-m", "tests.agent_programs.http_load", address, "80", "50"]
    result: dict[str, Any] = {}
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as clients:
        time.sleep(2)
        yield result
        result.update(json.loads(clients.communicate(timeout=60)[0]))


def target_port(cluster: Any, space: str) -> Any:
    return cluster.get("service", "shop", "-n", space)["spec"]["ports"][0]["targetPort"]


def test_four_upgrades_lose_no_request(cluster, space, shop):
    shop("install", **STEPS["agent off"])
    time.sleep(2)  # the node passes on what is sent to the Service's address a moment later
    with asked(cluster, space) as result:
        for name, values in STEPS.items():
            shop("upgrade", **values)
            assert target_port(cluster, space) == ("proxy-8080" if name == "services on" else 8080)
            time.sleep(5)
        time.sleep(5)  # the last pods with the agent leave
    TABLE.record(ROWS[0], f"{result['sent']:,}", str(len(result["failures"])))
    assert result["failures"] == []
    assert result["sent"] > 500


def test_two_upgrades_lose_requests_and_the_documents_say_so(cluster, space, shop):
    shop("install", **AT_ONCE["agent and services off"])
    time.sleep(2)
    with asked(cluster, space) as result:
        for values in AT_ONCE.values():
            shop("upgrade", **values)
            time.sleep(5)
        time.sleep(5)
    TABLE.record(ROWS[1], f"{result['sent']:,}", str(len(result["failures"])))
    assert result["failures"] != []
