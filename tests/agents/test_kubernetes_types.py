"""What agents add is held against Kubernetes' own types, in the template, in the container patch, and by --set."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import run

ROOT = Path(__file__).parents[2]
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - {name: web, image: x}\n"
GOOD = "container: {name: a, image: x"
WRONG = [
    pytest.param("env: [{name: A, value: true}]", "container.env.0.value", "true", id="a boolean as a value"),
    pytest.param("env: [{name: A, value: 443}]", "container.env.0.value", "443", id="a number as a value"),
    pytest.param("env: [{name: 'A=B', value: x}]", "container.env.0.name", "variable", id="a variable's name"),
    pytest.param("args: [--port, 8080]", "container.args.1", "8080", id="a number as an argument"),
    pytest.param("command: run it", "container.command", "a list", id="a command as text"),
    pytest.param("resource: {}", "container", 'did you mean "resources"', id="a misspelt key"),
    pytest.param("resources: {limits: {cpu: lots}}", "container.resources.limits.cpu", "quantity", id="no quantity"),
    pytest.param(
        "resources: {requests: {memory: 2Gi}, limits: {memory: 1Gi}}",
        "container.resources.requests.memory",
        "above",
        id="request",
    ),
    pytest.param('securityContext: {runAsUser: "1000"}', "container.securityContext.runAsUser", "whole number", id="a user"),
    pytest.param("ports: [{containerPort: 99999}]", "container.ports.0.containerPort", "99999", id="no port"),
    pytest.param("ports: [{containerPort: '80'}]", "container.ports.0.containerPort", "whole number", id="a quoted port"),
    pytest.param(
        "ports: [{containerPort: 80, name: a-name-of-22-letters-x}]", "container.ports.0.name", "15", id="a port's name"
    ),
    pytest.param("imagePullPolicy: always", "container.imagePullPolicy", "IfNotPresent", id="a pull policy"),
    pytest.param("livenessProbe: {httpGet: {path: /, prot: 80}}", "container.livenessProbe.httpGet", "prot", id="deep inside"),
    pytest.param("volumeMounts: [{name: v}]", "container.volumeMounts.0", "mountPath", id="a mount without a path"),
]


def injected(template: str, *words: str) -> tuple[int, str]:
    setting = "agents.a.template=" + template.replace(",", "\\,")
    done = run("--cluster-version", "1.30", "--set", f"agents.a.enabled=true,{setting}", *words, stdin=POD)
    assert (done.status == 0) == bool(done.stdout)
    return done.status, done.stderr


@pytest.mark.parametrize(("text", "field", "words"), WRONG)
def test_a_wrong_type_in_a_template_is_refused_with_its_place(text: str, field: str, words: str) -> None:
    status, said = injected(f"{GOOD}, {text}}}")
    assert status == 1
    assert said.startswith("sidecar-plugin: error: <stdin>:1:1: Pod/web: agents.a.template (rendered):1:")
    assert f": {field}: " in said
    assert words in said


@pytest.mark.parametrize(("text", "field", "words"), WRONG)
def test_the_same_in_the_container_patch_is_refused_at_the_setting(tmp_path: Path, text: str, field: str, words: str) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        "apiVersion: sidecar-plugin.dev/v1alpha1\nkind: SidecarInjection\nmetadata: {name: a}\nspec:\n"
        "  clusterVersion: '1.30'\n"
        f"  agents:\n    a:\n      enabled: true\n      template: '{GOOD}}}'\n      container: {{{text}}}\n"
    )
    done = run("--config", str(config), stdin=POD)
    assert (done.status, done.stdout) == (1, b"")
    assert done.stderr.startswith(f"sidecar-plugin: error: {config}:10:")
    assert words in done.stderr
    exported = run("export-policy", "--config", str(config), "--cluster-version", "1.34", "--platform", "kubernetes")
    assert (exported.status, exported.stdout) == (1, b"")


PARTS = [
    pytest.param("podLabels: {tier: back end}", "podLabels.tier", id="a label with a blank"),
    pytest.param("podLabels: {'a b': x}", "podLabels", id="a label's key"),
    pytest.param("podAnnotations: {'/x': y}", "podAnnotations", id="an annotation's key"),
    pytest.param("volumes: [{name: a_b, emptyDir: {}}]", "volumes.0.name", id="a volume's name"),
    pytest.param("volumes: [{name: v, emptydir: {}}]", "volumes.0", id="a volume of no kind"),
    pytest.param("initContainers: [{name: i, image: x, args: [1]}]", "initContainers.0.args.0", id="an init container"),
    pytest.param(
        "applicationContainers: {env: [{name: A, value: 1}]}", "applicationContainers.env.0.value", id="the application"
    ),
]


@pytest.mark.parametrize(("text", "field"), PARTS)
def test_every_part_of_an_agent_is_held_against_its_type(text: str, field: str) -> None:
    status, said = injected(f"{GOOD}}}\n{text}\n")
    assert status == 1
    assert f": {field}: " in said


def test_a_name_that_kubernetes_refuses_is_refused() -> None:
    status, said = injected("container: {name: audit_1, image: x}")
    assert status == 1
    assert "container.name" in said


def test_the_types_are_those_of_the_published_api() -> None:
    subprocess.run([sys.executable, ROOT / "tools" / "kubernetes-schema", "--check"], check=True)
