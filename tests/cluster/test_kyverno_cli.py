"""Kyverno's own CLI applies what `export-policy --engine kyverno` prints: a pod gets what injection gives it."""

import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from sidecar_plugin.injection.marker import INJECTED
from tests.cluster.test_export_policy import CASES, HEEDED, POD, REFUSED, TWO_AGENTS, marker, names
from tests.cluster.test_export_policy_guard import HELD, KINDS, SETTINGS, workload
from tests.support.command import run
from tests.support.real_tools import tool

SPACES = ("default", "kube-system", "kyverno", "team-a")
VALUES = {
    "apiVersion": "cli.kyverno.io/v1alpha1",
    "kind": "Values",
    "metadata": {"name": "values"},
    "namespaceSelector": [{"name": space, "labels": {"kubernetes.io/metadata.name": space}} for space in SPACES],
}


class Applied(NamedTuple):
    """The object after the policies that mutate, and what the CLI printed."""

    data: dict[str, Any]
    said: str


def policies(folder: Path, *words: str) -> Path:
    """Write what is exported for Kyverno into a file."""
    done = run("export-policy", "--engine", "kyverno", *words)
    assert done.status == 0, done.stderr
    path = folder / "policies.yaml"
    path.write_bytes(done.stdout)
    return path


def apply(folder: Path, exported: Path, manifest: str | bytes, operation: str = "CREATE") -> Applied:
    """Have the CLI apply policies to an object as if it were being created, or updated."""
    values, resource, out = folder / "values.yaml", folder / "resource.yaml", folder / "out.yaml"
    values.write_text(yaml.safe_dump({**VALUES, "globalValues": {"request.operation": operation}}))
    resource.write_bytes(manifest.encode() if isinstance(manifest, str) else manifest)
    out.unlink(missing_ok=True)
    files = ["-r", resource, "-f", values, "-o", out]
    command = [tool("kyverno"), "apply", exported, *files, "--remove-color", "--detailed-results"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    written = [data for data in yaml.safe_load_all(out.read_text()) if data] if out.exists() else []
    return Applied(written[0] if written else yaml.safe_load(manifest), done.stdout + done.stderr)


@pytest.mark.parametrize(("words", "more", "pods"), CASES)
def test_a_pod_gets_what_injection_gives(
    tmp_path: Path, words: tuple[str, ...], more: tuple[str, ...], pods: list[str]
) -> None:
    exported = policies(tmp_path, *words, *more)
    for pod in pods:
        rendered = run(*words, "--report", "none", stdin=pod).stdout
        wanted = yaml.safe_load(rendered)
        direct = apply(tmp_path, exported, pod)
        assert apply(tmp_path, exported, rendered).data == wanted, "what injection rendered is left alone"
        taken_out = run("uninject", "-", stdin=yaml.safe_dump(direct.data, sort_keys=False))
        assert yaml.safe_load(taken_out.stdout) == yaml.safe_load(pod), direct.said
        assert marker(direct.data) == marker(wanted)
        assert direct.data == wanted


@pytest.mark.parametrize(("pod", "agents"), HEEDED)
def test_settings_and_annotations_are_heeded(tmp_path: Path, pod: str, agents: list[str]) -> None:
    made = apply(tmp_path, policies(tmp_path, *TWO_AGENTS), pod).data
    assert names(made) == agents
    assert (INJECTED in made["metadata"].get("annotations", {})) == bool(agents)


@pytest.mark.parametrize("version", ["1.15", "1.16"])
def test_policies_for_an_older_kyverno_do_the_same(tmp_path: Path, version: str) -> None:
    made = apply(tmp_path, policies(tmp_path, *TWO_AGENTS, "--engine-version", version), POD)
    assert names(made.data) == ["audit"], made.said


def test_kyvernos_own_namespace_is_spared(tmp_path: Path) -> None:
    own = POD.replace("namespace: default", "namespace: kyverno")
    assert names(apply(tmp_path, policies(tmp_path, *TWO_AGENTS), own).data) == []


@pytest.mark.parametrize(("pod", "message"), REFUSED)
def test_what_a_policy_cannot_do_is_refused_with_a_message(tmp_path: Path, pod: str, message: str) -> None:
    made = apply(tmp_path, policies(tmp_path, *TWO_AGENTS), pod)
    assert names(made.data) == []
    assert message in made.said


@pytest.fixture
def guard(tmp_path: Path) -> Path:
    """A guard as Kyverno's policy, for the namespace team-a."""
    settings = tmp_path / "sidecars.yaml"
    settings.write_text(SETTINGS.replace("NAMESPACE", "team-a"))
    return policies(tmp_path, "--config", str(settings), "--guard", "deny")


def in_team_a(manifest: str) -> str:
    data = yaml.safe_load(manifest)
    data["metadata"]["namespace"] = "team-a"
    return yaml.safe_dump(data)


@pytest.mark.parametrize("kind", KINDS)
def test_a_workload_needs_its_agents(tmp_path: Path, guard: Path, kind: str) -> None:
    plain = in_team_a(workload(kind))
    injected = run("--config", str(tmp_path / "sidecars.yaml"), "--report", "none", stdin=plain).stdout
    assert "has no container audit of the agent audit" in apply(tmp_path, guard, plain).said
    assert "has no container" not in apply(tmp_path, guard, injected).said


@pytest.mark.parametrize(("manifest", "missing"), HELD)
def test_settings_and_annotations_hold_for_a_guard(tmp_path: Path, guard: Path, manifest: str, missing: set[str]) -> None:
    said = apply(tmp_path, guard, in_team_a(manifest)).said
    assert [agent for agent in ("audit", "second") if f"of the agent {agent}" in said] == sorted(missing)[:1]


def test_only_a_changed_pod_template_is_judged(tmp_path: Path, guard: Path) -> None:
    # The CLI updates an object to itself.
    assert "has no container" not in apply(tmp_path, guard, in_team_a(workload()), "UPDATE").said
