"""The Argo CD recipe in Argo CD's repo server and plugin server (make test-recipes): an application in Git, rendered by the
plugin of docs/recipes.md. What the other parts of Argo CD ask the repo server, the client of tools/argocd asks."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.e2e.conftest import ROOT, Shell
from tests.e2e.console import with_helm
from tests.support import real_tools
from tests.support.argocd import APPLICATION, RECIPE, ArgoCD, argo_cd

pytestmark = pytest.mark.recipes


@pytest.fixture
def argocd(shell: Shell) -> Iterator[ArgoCD]:
    """Both servers on this machine, with Helm 3."""
    plugin_server = (real_tools.tool("argocd"), "argocd-cmp-server", "--config-dir-path=config")
    with argo_cd(with_helm(shell, real_tools.tool("helm3")), plugin_server) as running:
        yield running


def by_hand(shell: Shell, *options: str) -> list[dict]:
    """Return what Helm and the program give."""
    chart = shell.folder / "repository" / "web"
    command = f"helm template shop {chart} --namespace web --include-crds {' '.join(options)} | sidecar-plugin"
    return [one for one in yaml.safe_load_all(shell.output("sh", "-c", command)) if one]


def tracked(manifests: list[dict]) -> list[dict]:
    """Return manifests without the annotation by which Argo CD finds its resources again, in an order of their own."""
    for manifest in manifests:
        annotations = manifest["metadata"].get("annotations", {})
        annotations.pop("argocd.argoproj.io/tracking-id", None)
        if not annotations:
            manifest["metadata"].pop("annotations", None)
        manifest["metadata"].pop("namespace", None)
    return sorted(manifests, key=lambda one: (one["kind"], one["metadata"]["name"]))


@pytest.mark.parametrize("logging", ["true", "false"])
@pytest.mark.parametrize("version", ["v1.30.2", "v1.28.9-aliyun.1"])
def test_the_repo_server_answers_with_what_helm_and_the_program_give(argocd: ArgoCD, logging: str, version: str) -> None:
    done = argocd.manifests(APPLICATION.replace('string: "true"', f'string: "{logging}"'), version)
    assert done.status == 0, done.stderr
    manifests = tracked(list(yaml.safe_load_all(done.stdout)))
    options = ("--kube-version", version, "--set", f"sidecars.agents.logging.enabled={logging}")
    assert manifests == tracked(by_hand(argocd.shell, *options))
    assert ("name: logging" in yaml.safe_dump(manifests)) is (logging == "true")
    assert "SidecarInjection" not in done.stdout


def test_the_repo_server_tells_of_the_parameter(argocd: ArgoCD) -> None:
    [parameter] = json.loads(argocd.parameters())
    assert (parameter["name"], parameter["string"]) == ("logging", "true")


def test_mistakes_in_the_settings_come_back_as_the_applications_error(argocd: ArgoCD) -> None:
    done = argocd.manifests(APPLICATION.replace('string: "true"', 'string: "sometimes"'))
    assert done.status != 0
    assert "sidecars:\n- at '/agents/logging/enabled': got string, want null or boolean" in done.stderr
    argocd.commit("web/values.yaml", "agents:", "declaration: native\n  agents:")
    done = argocd.manifests(version="v1.28.9")
    assert (done.status != 0, done.stdout) == (True, "")
    assert "sidecar-plugin: error: " in done.stderr
    assert "the declaration native needs Kubernetes 1.29 or later, the cluster is 1.28" in done.stderr
    argocd.commit("web/values.yaml", "  declaration: native\n", "")
    assert argocd.manifests(version="v1.28.9").status == 0


def test_the_patch_puts_the_plugin_beside_the_repo_server_of_argo_cd(shell: Shell, tool) -> None:
    """Of Argo CD's own manifests, as the module in tools/argocd has them."""
    where = subprocess.run(
        ["go", "list", "-m", "-f", "{{.Dir}}", "github.com/argoproj/argo-cd/v3"],
        cwd=ROOT / "tools" / "argocd",
        capture_output=True,
        text=True,
        check=True,
    )
    for name, text in RECIPE.items():
        (shell.folder / name).write_text(text)
    install = shell.folder / "install"
    install.mkdir()
    for manifest in (Path(where.stdout.strip()) / "manifests" / "base" / "repo-server").iterdir():
        (install / manifest.name).write_text(manifest.read_text())
    before = list(yaml.safe_load_all(shell.output(tool("kustomize"), "build", "install")))
    built = shell.output(tool("kustomize"), "build", ".")
    (shell.folder / "built.yaml").write_text(built)
    after = {(one["kind"], one["metadata"]["name"].rsplit("-", 1)[0]): one for one in yaml.safe_load_all(built)}
    assert len(after) == len(before) + 1
    assert after["ConfigMap", "argocd-cmp-sidecars"]["data"] == {"plugin.yaml": RECIPE["plugin.yaml"]}

    pod = after["Deployment", "argocd-repo"]["spec"]["template"]["spec"]
    [of_before] = [one for one in before if one["kind"] == "Deployment"]
    old = of_before["spec"]["template"]["spec"]
    added = [one for one in pod["containers"] if one not in old["containers"]]
    assert [one["name"] for one in added] == ["sidecars"]
    assert pod["initContainers"] == old["initContainers"]
    assert {one["name"] for one in added[0]["volumeMounts"]} <= {one["name"] for one in pod["volumes"]}
    # What the container starts is what the init container puts there.
    [copy] = old["initContainers"]
    assert "/var/run/argocd/argocd-cmp-server" in " ".join(copy["command"] + copy.get("args", []))
    assert added[0]["command"] == ["/var/run/argocd/argocd-cmp-server"]
    mounts = {one["mountPath"]: one["name"] for one in added[0]["volumeMounts"]}
    assert mounts["/var/run/argocd"] == copy["volumeMounts"][0]["name"]
    [server] = old["containers"]
    assert mounts["/home/argocd/cmp-server/plugins"] in {one["name"] for one in server["volumeMounts"]}

    done = shell.run("sidecar-plugin", "check", "--cluster-version", "1.30", "built.yaml")
    assert done.status == 0, done.stdout + done.stderr
