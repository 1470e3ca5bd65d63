"""The KRM function in a real kustomize, started from $PATH."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import EXAMPLES, Outcome, Shell
from tests.e2e.rendered import documents, pod_templates, sidecars

FUNCTION = "config.kubernetes.io/function"


@pytest.fixture
def build(shell: Shell, tool: Callable[[str], Path]) -> Callable[..., Outcome]:
    """Run `kustomize build` with functions allowed."""

    def run(folder: Path, *options: str | Path) -> Outcome:
        return shell.run(tool("kustomize"), "build", "--enable-alpha-plugins", "--enable-exec", *options, folder)

    return run


@pytest.fixture
def kustomization(tmp_path: Path) -> Callable[[str], Path]:
    """Write the workloads of examples/kustomize beside a SidecarInjection with this `spec`; return the folder."""

    def write(spec: str) -> Path:
        folder = tmp_path / "kustomization"
        folder.mkdir()
        example = EXAMPLES / "kustomize"
        for name in ("workloads.yaml", "kustomization.yaml"):
            (folder / name).write_text((example / name).read_text())
        document, _, _ = (example / "sidecars.yaml").read_text().partition("spec:")
        (folder / "sidecars.yaml").write_text(f"{document}spec: {spec}\n")
        return folder

    return write


@pytest.mark.parametrize(("version", "declaration"), [("1.28", "acs"), ("1.30", "native")])
def test_the_version_of_the_function_decides_the_declaration(build, kustomization, version: str, declaration: str) -> None:
    done = build(kustomization(f'{{clusterVersion: "{version}", agents: {{logging: {{enabled: true}}}}}}'))
    assert done.status == 0, done.stderr
    assert sidecars(done.stdout) == {
        "Deployment/web": {"logging": declaration},
        "Job/import-prices": {"logging": declaration},
    }


def test_what_other_transformers_did_stays(build) -> None:
    done = build(EXAMPLES / "kustomize")
    assert {document["metadata"]["namespace"] for document in documents(done.stdout)} >= {"shop"}
    assert FUNCTION not in done.stdout
    assert "internal.config.kubernetes.io" not in done.stdout


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ('{clusterVersion: "1.30", agents: {loging: {enabled: true}}}', ["loging", 'did you mean "logging"']),
        ("{clusterVersion: 1.3, agents: {logging: {enabled: true}}}", ["1.3", '"1.30"']),
        ("{agents: {logging: {enabled: true}}}", ["clusterVersion"]),
        (
            '{clusterVersion: "1.28", platform: kubernetes, agents: {logging: {enabled: true}}}',
            ["Job", "import-prices"],
        ),
    ],
    ids=["unknown-agent", "unquoted-version", "no-version", "job-that-never-completes"],
)
def test_an_error_reaches_the_user_and_nothing_is_built(build, kustomization, spec: str, words: list[str]) -> None:
    done = build(kustomization(spec))
    assert done.status == 1
    assert "sidecar-plugin: error: " in done.stderr
    for word in words:
        assert word in done.stderr
    assert done.stdout == ""


def test_a_warning_reaches_the_user(build, kustomization) -> None:
    done = build(kustomization('{clusterVersion: "1.30", declaration: acs, agents: {logging: {enabled: true}}}'))
    assert done.status == 0, done.stderr
    assert sidecars(done.stdout)["Deployment/web"] == {"logging": "acs"}
    assert "sidecar-plugin: warning: " in done.stderr
    assert "containerStatus" in done.stderr


@pytest.mark.parametrize("helm", ["helm3", "helm4"])
def test_a_chart_brought_in_by_helm_charts_brings_its_own_settings(build, tool, helm: str) -> None:
    """The function's document and the chart's are merged; kustomize takes Helm's hooks for ordinary resources."""
    options = ("--enable-helm", "--helm-command", tool(helm), "--load-restrictor", "LoadRestrictionsNone")
    done = build(EXAMPLES / "kustomize-helm", *options)
    assert done.status == 0, done.stderr
    assert sidecars(done.stdout) == {
        "Deployment/shop-web": {"logging": "native"},
        "CronJob/shop-clean-up": {},
        "Job/shop-migrate": {"logging": "native"},
    }
    assert "SidecarInjection" not in done.stdout


def test_building_what_was_built_changes_nothing(build, kustomization, tmp_path: Path) -> None:
    folder = kustomization('{clusterVersion: "1.30", agents: {logging: {enabled: true}}}')
    once = build(folder).stdout
    (folder / "workloads.yaml").write_text(once)
    assert pod_templates(build(folder).stdout) == pod_templates(once)
