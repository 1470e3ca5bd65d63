"""kubectl's built-in kustomize, which runs the program through the folder kubectl-plugin/."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.conftest import EXAMPLES, ROOT, Outcome, Shell
from tests.e2e.rendered import sidecars

EXAMPLE = EXAMPLES / "kubectl"


@pytest.fixture
def kubectl_kustomize(shell: Shell, tool: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Outcome]:
    """Run `kubectl kustomize` on the workloads of the example with the given `spec` in its SidecarInjection."""

    def run(spec: str) -> Outcome:
        folder = tmp_path / "kustomization"
        folder.mkdir()
        for name in ("workloads.yaml", "kustomization.yaml"):
            (folder / name).write_text((EXAMPLE / name).read_text())
        document, _, _ = (EXAMPLE / "sidecars.yaml").read_text().partition("spec:")
        (folder / "sidecars.yaml").write_text(f"{document}spec: {spec}\n")
        homes = {"KUSTOMIZE_PLUGIN_HOME": str(ROOT / "kubectl-plugin")}
        plugged = replace(shell, environment={**shell.environment, **homes})
        return plugged.run(tool("kubectl"), "kustomize", "--enable-alpha-plugins", folder)

    return run


@pytest.mark.parametrize(("version", "declaration"), [("1.28", "acs"), ("1.30", "native")])
def test_the_version_decides_the_declaration(kubectl_kustomize, version: str, declaration: str) -> None:
    done = kubectl_kustomize(f'{{clusterVersion: "{version}", agents: {{logging: {{enabled: true}}}}}}')
    assert done.status == 0, done.stderr
    assert sidecars(done.stdout) == {
        "Deployment/web": {"logging": declaration},
        "Job/import-prices": {"logging": declaration},
    }


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ('{clusterVersion: "1.30", agents: {loging: {enabled: true}}}', ["loging", 'did you mean "logging"']),
        ("{clusterVersion: 1.3, agents: {logging: {enabled: true}}}", ["1.3", '"1.30"']),
        ("{agents: {logging: {enabled: true}}}", ["clusterVersion"]),
    ],
    ids=["unknown-agent", "unquoted-version", "no-version"],
)
def test_an_error_reaches_the_user_and_nothing_is_built(kubectl_kustomize, spec: str, words: list[str]) -> None:
    done = kubectl_kustomize(spec)
    assert done.status == 1
    assert "sidecar-plugin: error: " in done.stderr
    for word in words:
        assert word in done.stderr
    assert done.stdout == ""


def test_a_warning_reaches_the_user(kubectl_kustomize) -> None:
    done = kubectl_kustomize('{clusterVersion: "1.30", declaration: acs, agents: {logging: {enabled: true}}}')
    assert done.status == 0, done.stderr
    assert sidecars(done.stdout)["Deployment/web"] == {"logging": "acs"}
    assert "containerStatus" in done.stderr
