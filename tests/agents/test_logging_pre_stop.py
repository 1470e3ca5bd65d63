"""The agent logging reads on while a pod ends: a preStop hook, by what the cluster and the engine's image can do."""

from typing import Any

import pytest
import yaml

from tests.agents.test_built_in_agents import container_of, stream
from tests.support.command import run

SLEEP = {"preStop": {"sleep": {"seconds": 2}}}


def exits_after(flushes: int) -> dict[str, Any]:
    program = ["/fluent-bit/bin/fluent-bit", "--quiet", "-i", "dummy", "-o", "exit", "-p", f"flush_count={flushes}"]
    return {"preStop": {"exec": {"command": program}}}


def hook_of(values: dict[str, Any], declaration: str, version: str) -> Any:
    """Return the lifecycle of the agent's container, or the error that its values end in."""
    platform = "acs" if declaration == "acs" else "kubernetes"
    done = run("--report=none", f"--set=declaration={declaration}", stdin=stream("logging", values, version, platform))
    if done.status:
        return done.stderr
    pod = next(yaml.safe_load_all(done.stdout))["spec"]["template"]["spec"]
    (container,) = (one for one in pod.get("initContainers", []) + pod["containers"] if one["name"] == "logging")
    return container.get("lifecycle")


@pytest.mark.parametrize(
    ("engine", "declaration", "version", "hook"),
    [
        ("fluent-bit", "native", "1.30", None),
        ("fluent-bit", "native", "1.29", None),
        ("fluent-bit", "regular", "1.30", SLEEP),
        ("fluent-bit", "regular", "1.28", exits_after(1)),
        ("fluent-bit", "acs", "1.28", exits_after(1)),
        ("otel-collector", "native", "1.30", SLEEP),
        ("otel-collector", "regular", "1.30", SLEEP),
        ("otel-collector", "native", "1.29", None),
        ("otel-collector", "regular", "1.28", None),
    ],
)
def test_the_hook_is_there_where_sigterm_would_come_too_early(
    engine: str, declaration: str, version: str, hook: dict[str, Any] | None
) -> None:
    assert hook_of({"engine": engine}, declaration, version) == hook


def test_its_seconds_can_be_said() -> None:
    assert hook_of({"preStopSeconds": 9}, "native", "1.30") == {"preStop": {"sleep": {"seconds": 9}}}
    assert hook_of({"preStopSeconds": 9}, "acs", "1.28") == exits_after(7)
    assert hook_of({"preStopSeconds": 0}, "acs", "1.28") is None


def test_what_cannot_wait_is_refused() -> None:
    message = "preStopSeconds needs Kubernetes 1.30 or later with engine otel-collector; this one is 1.28"
    assert message in hook_of({"engine": "otel-collector", "preStopSeconds": 3}, "regular", "1.28")


def test_a_collector_of_another_version_gets_no_feature_gate_that_it_may_not_have() -> None:
    gate = "--feature-gates=stanza.synchronousLogEmitter"
    assert gate in container_of("logging", {"engine": "otel-collector"})["args"]
    assert gate not in container_of("logging", {"engine": "otel-collector", "image": {"tag": "0.150.0"}})["args"]
