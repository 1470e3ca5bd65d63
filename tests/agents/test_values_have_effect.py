"""Every value of a built-in agent changes what is rendered, or is refused at its place: none is silently without effect.

For each engine and output, each value is set alone to something else than its default.
"""

import json
from itertools import product
from typing import Any

import pytest
import yaml

from tests.agents.test_built_in_agents import TEMPLATES, stream
from tests.support.command import run

RECEIVER = {"host": "r.example.com"}
OUTPUTS: dict[str, dict[str, Any]] = {
    "stdout": {},
    "kafka": {"brokers": ["b.example.com:9092"]},
    "sls": {**RECEIVER, "project": "p", "logstore": "l", "password": "${KEY}"},
    **dict.fromkeys(("forward", "http", "elasticsearch", "opensearch", "loki", "otlp"), RECEIVER),
}
KAFKA_USER = {**OUTPUTS["kafka"], "user": "u", "password": "${KEY}", "tls": {"enabled": True}}
COLLECTOR_OUTPUTS = ("stdout", "loki", "otlp", "kafka", "sls")
EXPORTS = {"debug": "", "otlp": "r:4317", "otlphttp": "https://r:4318", "prometheusremotewrite": "https://r/push"}
MODES: dict[str, tuple[str, dict[str, Any]]] = {
    **{f"fluent-bit, {name}": ("logging", {"output": {"type": name, **more}}) for name, more in OUTPUTS.items()},
    **{
        f"otel-collector, {name}": ("logging", {"engine": "otel-collector", "output": {"type": name, **OUTPUTS[name]}})
        for name in COLLECTOR_OUTPUTS
    },
    "fluent-bit, kafka with a user": ("logging", {"output": {"type": "kafka", **KAFKA_USER}}),
    "otel-collector, kafka with a user": ("logging", {"engine": "otel-collector", "output": {"type": "kafka", **KAFKA_USER}}),
    **{f"monitoring, {name}": ("monitoring", {"export": {"type": name, "endpoint": url}}) for name, url in EXPORTS.items()},
    **{f"proxy, {name}": ("proxy", {"inbound": {"protocol": name}, "egress": {"enabled": True}}) for name in ("http", "tcp")},
}
OTHERWISE: dict[str, Any] = {
    "engine": "otel-collector",
    "image.digest": f"sha256:{'0' * 64}",
    "image.pullPolicy": "Always",
    "imagePullSecrets": [{"name": "pull"}],
    "configuration": "configMap",
    "sources": [{"path": "/other/*.txt"}],
    "stdout.path": "/other",
    "stdout.include": ["x.log"],
    "stdout.exclude": ["x.log"],
    "stdout.format": "json",
    "stdout.multiline": "java",
    "stdout.fields": {"team": "a"},
    "fields": {"team": "a"},
    "output.path": "/other",
    "output.headers": {"A": "b"},
    "output.labels": {"a": "b"},
    "output.brokers": ["c:9092"],
    "output.mechanism": "SCRAM-SHA-512",
    "scrape.portNames": ["http"],
    "export.headers": {"A": "b"},
    "export.endpoint": "https://other:1",
    "inbound.ports": [8080, 8081],
    "inbound.protocol": "tcp",
    "egress.noProxy": ["x"],
    "logLevel": "debug",
    "preStopSeconds": 9,
    "resources": {"limits": {"cpu": 1}},
    "resourcesPercent": 50,
    "extraEnv": [{"name": "A", "value": "b"}],
    "extraArgs": ["--x"],
    "probes.port": 19999,
}
"""Values that differ from the default where adding one, or a letter, or turning a switch does not."""
CHOICES = ("output.type", "export.type")


def leaves(values: dict[str, Any], path: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict) and value and f"{path}{key}" != "resources":
            found |= leaves(value, f"{path}{key}.")
        else:
            found[f"{path}{key}"] = value
    return found


def other_than(path: str, value: Any) -> Any:
    if path in OTHERWISE:
        return OTHERWISE[path]
    if isinstance(value, bool):
        return not value
    return (
        value + 1
        if isinstance(value, int)
        else f"{value}x"
        if isinstance(value, str)
        else pytest.fail(f"give OTHERWISE {path}")
    )


def with_value(values: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    changed = json.loads(json.dumps(values))
    *way, last = path.split(".")
    node = changed
    for key in way:
        node = node.setdefault(key, {})
    node[last] = value
    return changed


def value_cases() -> list[Any]:
    cases = []
    for mode, (agent, own) in MODES.items():
        defaults = yaml.safe_load((TEMPLATES / agent / "values.yaml").read_text())
        for path, value in (leaves(defaults) | leaves(own)).items():
            cases.append(pytest.param(mode, path, other_than(path, value), id=f"{mode}, {path}"))
    return [case for case in cases if case.values[1] not in (*CHOICES, "engine", "inbound.protocol")]


def with_init_container(text: str) -> str:
    containers = "      containers:\n"
    assert text.count(containers) == 1
    return text.replace(containers, f"      initContainers:\n      - {{name: init, image: x}}\n{containers}")


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "path", "value"), value_cases())
def test_a_value_changes_the_agent_or_is_refused_at_its_place(mode: str, path: str, value: Any) -> None:
    agent, values = MODES[mode]
    platform = "acs" if path.startswith("stdout.") else "kubernetes"
    before = run("--report=none", stdin=with_init_container(stream(agent, values, platform=platform)))
    assert before.status == 0, before.stderr
    changed = stream(agent, with_value(values, path, value), platform=platform)
    after = run("--report=none", stdin=with_init_container(changed))
    if after.status:
        assert path.split(".")[-1] in after.stderr or f'"{value}"' in after.stderr
    elif not is_bound_elsewhere(mode, path):
        assert after.stdout != before.stdout, f"{path}: {value!r} has no effect with {mode}"


def is_bound_elsewhere(mode: str, path: str) -> bool:
    """Say whether the value has no effect there, whatever it is, as the documents say; or elsewhere: on Services."""
    if mode.endswith(("stdout", "sls")):
        return path.startswith("stdout.") if mode.endswith("stdout") else path == "output.tls.enabled"  # sls always speaks TLS
    return path == "services"  # tests/injection/test_service_ports.py


SILENT = [
    *product(("forward", "stdout"), ("user", "password", "tls.caSecret")),
    ("kafka", "password"),
    ("kafka", "tls.caSecret"),
]


@pytest.mark.parametrize(("output", "key"), SILENT)
def test_a_credential_is_never_dropped(output: str, key: str) -> None:
    values = {"output": with_value({"type": output, **OUTPUTS[output]}, key, "x")}
    done = run("--report=none", stdin=stream("logging", values))
    assert done.status == 1
    assert f"agents.logging.output.{key}: must be left out" in done.stderr


@pytest.mark.parametrize("mode", MODES)
def test_a_comment_of_a_configuration_template_is_no_part_of_what_is_rendered(mode: str) -> None:
    """So that a better comment rolls no pods."""
    agent, values = MODES[mode]
    done = run("--report=none", stdin=stream(agent, values, platform="acs"))
    template = next(each for each in yaml.safe_load_all(done.stdout) if each["kind"] == "Deployment")["spec"]["template"]
    texts = [text for key, text in template["metadata"]["annotations"].items() if f"{agent}.sidecar-plugin.dev/" in key]
    assert texts
    assert [line for text in texts for line in text.splitlines() if line.lstrip().startswith("#")] == []
