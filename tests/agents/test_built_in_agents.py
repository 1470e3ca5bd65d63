"""The built-in agents: what their values do to the pod, and that every value is documented.

Whether the agents' programs take the configurations is proven in tests/agent_programs.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.command import run

TEMPLATES = Path(__file__).parents[2] / "templates"
AGENTS = ("logging", "monitoring", "proxy")
by_agent = pytest.mark.parametrize("agent", AGENTS)

DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "web",
                        "image": "web:1",
                        "ports": [{"name": "metrics", "containerPort": 8080}],
                        "resources": {"requests": {"cpu": 2, "memory": "2Gi"}, "limits": {"cpu": 8, "memory": "8Gi"}},
                    }
                ]
            }
        }
    },
}
DECLARATIONS = {"native": ("1.30", "kubernetes"), "acs": ("1.28", "acs"), "regular": ("1.28", "kubernetes")}


def stream(agent: str, values: dict[str, Any], version: str = "1.30", platform: str = "kubernetes") -> str:
    """Return a Deployment behind the settings that give it an agent."""
    spec = {"clusterVersion": version, "platform": platform, "agents": {agent: {"enabled": True, **values}}}
    settings = {
        "apiVersion": "sidecar-plugin.dev/v1alpha1",
        "kind": "SidecarInjection",
        "metadata": {"name": "a"},
        "spec": spec,
    }
    return yaml.safe_dump_all([settings, DEPLOYMENT])


def injected(agent: str, values: dict[str, Any], version: str = "1.30", platform: str = "kubernetes") -> list[dict[str, Any]]:
    """Return the documents that the Deployment becomes with an agent."""
    done = run("--report=none", stdin=stream(agent, values, version, platform))
    assert done.status == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def refusal(agent: str, values: dict[str, Any]) -> str:
    """Return the error that an agent's values end in."""
    done = run("--report=none", stdin=stream(agent, values))
    assert (done.status, done.stdout) == (1, b"")
    return done.stderr


def pod_of(agent: str, values: dict[str, Any], version: str = "1.30", platform: str = "kubernetes") -> dict[str, Any]:
    """Return the spec of the pods of the Deployment."""
    spec: dict[str, Any] = injected(agent, values, version, platform)[0]["spec"]["template"]["spec"]
    return spec


def container_of(agent: str, values: dict[str, Any], version: str = "1.30", platform: str = "kubernetes") -> dict[str, Any]:
    """Return the agent's own container."""
    pod = pod_of(agent, values, version, platform)
    named = [container for container in pod.get("initContainers", []) + pod["containers"] if container["name"] == agent]
    assert len(named) == 1
    found: dict[str, Any] = named[0]
    return found


@by_agent
@pytest.mark.parametrize("declaration", DECLARATIONS)
def test_probes_are_there_in_every_declaration(agent: str, declaration: str) -> None:
    container = container_of(agent, {}, *DECLARATIONS[declaration])
    assert ("restartPolicy" in container) is (declaration == "native")
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["port"] == container["startupProbe"]["httpGet"]["port"]
    assert container["startupProbe"]["periodSeconds"] == 1


@by_agent
def test_each_probe_can_be_switched_off(agent: str) -> None:
    for probe in ("startup", "liveness", "readiness"):
        container = container_of(agent, {"probes": {probe: {"enabled": False}}})
        assert f"{probe}Probe" not in container
        assert sum(key.endswith("Probe") for key in container) == 2


@by_agent
def test_the_security_context_is_that_of_the_restricted_standard(agent: str) -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/; a real API server is asked in tests/cluster."""
    context = container_of(agent, {})["securityContext"]
    assert context["runAsNonRoot"] is True
    assert context["runAsUser"] > 0
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert context["readOnlyRootFilesystem"] is True


@by_agent
def test_the_image_is_pinned_by_its_tag_and_if_asked_by_its_digest(agent: str) -> None:
    digest = "sha256:" + "0" * 64
    pinned = container_of(agent, {})["image"]
    assert pinned.rpartition(":")[2].lstrip("v")[0].isdigit()
    assert container_of(agent, {"image": {"digest": digest}})["image"] == f"{pinned}@{digest}"
    moved = container_of(agent, {"image": {"repository": "mirror.example.com:5000/agent", "tag": "1"}})
    assert moved["image"] == "mirror.example.com:5000/agent:1"
    assert "image.digest" in refusal(agent, {"image": {"digest": "latest"}})


@by_agent
def test_pull_secrets_are_those_of_the_pod(agent: str) -> None:
    assert "imagePullSecrets" not in pod_of(agent, {})
    assert pod_of(agent, {"imagePullSecrets": [{"name": "mirror"}]})["imagePullSecrets"] == [{"name": "mirror"}]


@by_agent
def test_resources_can_be_a_share_of_the_applications(agent: str) -> None:
    small = container_of(agent, {})["resources"]
    assert small["requests"]["cpu"] == "50m"
    asked = {"requests": {"cpu": "200m", "memory": "205Mi"}, "limits": {"cpu": "800m", "memory": "820Mi"}}
    assert container_of(agent, {"resourcesPercent": 10})["resources"] == asked
    assert container_of(agent, {"resourcesPercent": 1})["resources"] == small


@pytest.mark.parametrize("declaration", DECLARATIONS)
def test_the_share_does_not_grow_when_it_is_injected_again(declaration: str) -> None:
    version, platform = DECLARATIONS[declaration]
    options = (f"--cluster-version={version}", f"--platform={platform}", "--report=none")
    agents = "--set=agents.logging.enabled=true,agents.logging.resourcesPercent=50"
    once = run(*options, agents, stdin=yaml.safe_dump(DEPLOYMENT)).stdout
    assert b"1000m" in once
    assert run(*options, agents, stdin=once).stdout == once


@by_agent
@pytest.mark.parametrize(
    ("version", "platform", "has_variable", "has_probe"),
    [("1.28", "acs", True, True), ("1.30", "acs", True, False), ("1.28", "kubernetes", False, False)],
)
def test_readiness_can_be_kept_out_of_the_pods(
    agent: str, version: str, platform: str, has_variable: bool, has_probe: bool
) -> None:
    variable = {"name": "__IGNORE_READY__", "value": "true"}
    container = container_of(agent, {"ignoreReady": True}, version, platform)
    assert (variable in container.get("env", [])) is has_variable
    assert ("readinessProbe" in container) is has_probe
    counting = container_of(agent, {}, version, platform)
    assert variable not in counting.get("env", [])
    assert "readinessProbe" in counting


@by_agent
def test_the_configuration_goes_into_the_pod_or_into_a_config_map_of_its_hash(agent: str) -> None:
    (inline,) = injected(agent, {})
    template = inline["spec"]["template"]
    key = next(key for key in template["metadata"]["annotations"] if key.startswith(f"{agent}.sidecar-plugin.dev/"))
    assert template["metadata"]["annotations"][key]

    names = set()
    for level in ("info", "error"):
        deployment, config_map = injected(agent, {"configuration": "configMap", "logLevel": level, "extraEnv": []})
        pod = deployment["spec"]["template"]
        volume = next(volume for volume in pod["spec"]["volumes"] if "configMap" in volume)
        assert volume["configMap"]["name"] == config_map["metadata"]["name"]
        assert config_map["immutable"] is True
        assert not any(key.startswith(agent) for key in pod["metadata"]["annotations"])
        names.add((config_map["metadata"]["name"], json.dumps(config_map["data"])))
    assert len({name for name, _ in names}) == len({data for _, data in names}), "another content, another name, and only then"


@by_agent
def test_a_changed_configuration_rolls_the_pods(agent: str) -> None:
    """The pod template differs, and that makes a Deployment roll."""
    change = {"logging": {"logLevel": "error"}, "monitoring": {"logLevel": "error"}, "proxy": {"maxConnections": 7}}[agent]
    for configuration in ("inline", "configMap"):
        before, after = (
            injected(agent, {"configuration": configuration, **values})[0]["spec"]["template"] for values in ({}, change)
        )
        assert before != after


@by_agent
def test_further_variables_and_arguments_reach_the_container(agent: str) -> None:
    variable = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "token", "key": "token"}}}
    container = container_of(agent, {"extraEnv": [variable], "extraArgs": ["--one", "two"]})
    assert variable in container["env"]
    assert container["args"][-2:] == ["--one", "two"]


def test_a_collector_of_another_version_gets_no_feature_gate_that_it_may_not_have() -> None:
    values = {"export": {"type": "prometheusremotewrite", "endpoint": "http://receiver.example.com/api/v1/write"}}
    gate = "--feature-gates=exporter.prometheusremotewritexporter.RetryOn429"
    assert gate in container_of("monitoring", values)["args"]
    assert gate not in container_of("monitoring", {**values, "image": {"tag": "0.150.0"}})["args"]


def test_the_application_is_told_where_to_send_otlp() -> None:
    env = pod_of("monitoring", {})["containers"][0]["env"]
    assert {"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "http://127.0.0.1:4318"} in env
    assert "env" not in pod_of("monitoring", {"otlp": {"setEnv": False}})["containers"][0]


def test_the_standard_output_of_acs_is_read_from_one_volume_that_is_shared() -> None:
    values = {"output": {"type": "http", "host": "logs"}}
    spec = pod_of("logging", values, "1.28", "acs")
    assert [volume["name"] for volume in spec["volumes"] if volume.get("emptyDir") == {"medium": "Stdout"}] == [
        "logging-stdout"
    ]
    assert not any(volume.get("emptyDir") == {"medium": "Stdout"} for volume in pod_of("logging", values)["volumes"])


def test_the_admin_interface_of_the_proxy_is_on_localhost_only() -> None:
    annotations = injected("proxy", {})[0]["spec"]["template"]["metadata"]["annotations"]
    configuration = yaml.safe_load(annotations["proxy.sidecar-plugin.dev/envoy.yaml"])
    assert configuration["admin"]["address"]["socket_address"] == {"address": "127.0.0.1", "port_value": 9901}
    assert not any(port["containerPort"] == 9901 for port in container_of("proxy", {})["ports"])


@by_agent
def test_nothing_needs_a_privilege(agent: str) -> None:
    """Serverless nodes forbid host namespaces, host paths and added capabilities."""
    pod = pod_of(agent, {})
    assert not any(key.startswith("host") for key in pod)
    assert not any("hostPath" in volume for volume in pod.get("volumes", []))
    assert not any("hostPort" in port for port in container_of(agent, {}).get("ports", []))


@pytest.mark.parametrize(
    ("agent", "values", "named"),
    [
        ("logging", {"engine": "vector"}, "agents.logging.engine"),
        ("logging", {"output": {"type": "loki"}}, "agents.logging.output.host"),
        ("logging", {"output": {"type": "kafka"}}, "agents.logging.output.brokers"),
        ("logging", {"output": {"type": "http", "host": "x", "port": 70000}}, "agents.logging.output.port"),
        ("logging", {"engine": "otel-collector", "output": {"type": "http", "host": "x"}}, "agents.logging.output.type"),
        ("logging", {"engine": "otel-collector", "output": {"user": "x"}}, "agents.logging.output.user"),
        ("logging", {"sources": []}, "nothing to read"),
        (
            "logging",
            {"logs": {"path": "/x"}},
            "agents.logging.logs: must be left out; write sources: [{path: /var/log/app/*.log}] instead, with format and "
            "volume: {name, mountPath} in it, and sharedFolders for sizeLimit and initContainers\n",
        ),
        ("logging", {"resources": {"limits": {"cpu": "a lot"}}}, "agents.logging.resources.limits.cpu"),
        ("logging", {"resourcesPercent": -1}, "agents.logging.resourcesPercent"),
        ("logging", {"resourcesPercent": 5, "resources": {"limits": {"cpu": "1.2.3"}}}, 'not a Kubernetes quantity: "1.2.3"'),
        ("monitoring", {"export": {"type": "otlp"}}, "agents.monitoring.export.endpoint"),
        ("monitoring", {"export": {"type": "otlphttp", "endpoint": "otel:4318"}}, "agents.monitoring.export.endpoint"),
        ("monitoring", {"otlp": {"enabled": False}, "scrape": {"enabled": False}}, "nothing to collect"),
        ("proxy", {"inbound": {"portOffset": 60000}}, "inbound.portOffset 60000 is 68080, which is no port"),
        ("proxy", {"inbound": {"portOffset": 1821}}, "is 9901, which is taken"),
        ("proxy", {"admin": {"port": 80}}, "agents.proxy.admin.port"),
    ],
)
def test_a_value_that_cannot_work_is_refused_by_name(agent: str, values: dict[str, Any], named: str) -> None:
    assert named in refusal(agent, values)


def test_no_port_of_an_application_meets_a_port_of_the_proxy_by_the_offset() -> None:
    """The listener in front of port 1 is above all ports of the proxy's own, so that of every port is."""
    values = yaml.safe_load((TEMPLATES / "proxy" / "values.yaml").read_text())
    own = [values[section]["port"] for section in ("admin", "egress", "probes")]
    assert max(own) <= values["inbound"]["portOffset"]


def leaves(data: dict[str, Any], path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Return the values of a tree by their path; an empty map or a map of free keys is a value."""
    found: dict[tuple[str, ...], Any] = {}
    for key, value in data.items():
        found |= leaves(value, (*path, key)) if isinstance(value, dict) and value else {(*path, key): value}
    return found


def described(schema: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """Return the part of a schema that is for a path."""
    for key in path:
        schema = schema["properties"][key] if "properties" in schema else schema["additionalProperties"]
    return schema


@by_agent
def test_every_value_is_documented_in_its_file_and_in_the_schema(agent: str) -> None:
    text = (TEMPLATES / agent / "values.yaml").read_text()
    schema = json.loads((TEMPLATES / agent / "values.schema.json").read_text())
    defaults = yaml.safe_load(text)
    assert set(schema["properties"]) == set(defaults) == set(schema["required"])
    words = " ".join(re.sub(r"^ *#", "", text, flags=re.MULTILINE).split())
    for path in leaves(defaults):
        if path[0] == "resources":
            continue  # Kubernetes' own
        comment = described(schema, path)["description"]
        assert comment in words, f"{'.'.join(path)}: the comment in values.yaml and the description in the schema differ"


@by_agent
def test_the_program_prints_every_value_with_its_comment(agent: str) -> None:
    shown = run("agents", agent).stdout.decode()
    for line in (TEMPLATES / agent / "values.yaml").read_text().splitlines():
        assert line in shown
    for heading in ("# ", "Limits", "Values, with their defaults:", f"  {agent}:"):
        assert heading in shown
    printed = yaml.safe_load(shown.partition("Values, with their defaults:")[2])
    assert printed["agents"][agent].pop("enabled") is False
    assert printed["agents"][agent] == yaml.safe_load((TEMPLATES / agent / "values.yaml").read_text())
