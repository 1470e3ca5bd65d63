"""The Argo CD recipe in the real repo server and plugin server of Argo CD: an application in a Git repository, rendered by the
plugin of docs/recipes.md. What the application controller would ask the repo server, the client of tools/argocd asks."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from conftest import EXAMPLES, ROOT, Outcome, Shell
from console import File, steps, with_helm

from tests import real_tools

RECIPE = {
    step.name.removeprefix("argocd/"): step.text
    for step in steps(ROOT / "docs/recipes.md")
    if isinstance(step, File) and step.name.startswith("argocd/")
}
APPLICATION = RECIPE["application.yaml"]


def free_port() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


@dataclass(frozen=True, slots=True)
class ArgoCD:
    """A running repo server with the plugin beside it, and a Git repository that holds examples/web."""

    shell: Shell
    address: str

    def manifests(self, application: str = APPLICATION, version: str = "v1.30.2") -> Outcome:
        """Ask for the manifests of an application on a cluster of that version."""
        (self.shell.folder / "application.yaml").write_text(application)
        repository = f"file://{self.shell.folder}/repository"
        return self.shell.run(real_tools.tool("argocd"), "manifests", self.address, "application.yaml", repository, version)

    def commit(self, file: str, old: str, new: str) -> None:
        """Change a file of the repository."""
        path = self.shell.folder / "repository" / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        git(self.shell, "commit", "--quiet", "--all", "--message", "changed")


def git(shell: Shell, *words: str) -> None:
    name = ("-c", "user.name=shop", "-c", "user.email=shop@example.com")
    shell.output("git", "-C", "repository", *name, *words)


@pytest.fixture
def argocd(shell: Shell) -> Iterator[ArgoCD]:
    program, folder = real_tools.tool("argocd"), shell.folder
    shell = with_helm(shell, real_tools.tool("helm3"))
    for name in ("config", "plugins", "work", "tls", "tmp"):
        (folder / name).mkdir()
    (folder / "config" / "plugin.yaml").write_text(RECIPE["plugin.yaml"])
    shutil.copytree(EXAMPLES / "web", folder / "repository" / "web")
    git(shell, "init", "--quiet", "--initial-branch=main")
    git(shell, "add", "--all")
    git(shell, "commit", "--quiet", "--message", "the shop")
    environment = {
        **shell.environment,
        "ARGOCD_PLUGINSOCKFILEPATH": str(folder / "plugins"),
        "ARGOCD_CMP_WORKDIR": str(folder / "work"),
        "ARGOCD_TLS_DATA_PATH": str(folder / "tls"),
        "ARGOCD_GPG_ENABLED": "false",
        "TMPDIR": str(folder / "tmp"),
        # Without Redis nothing is kept from one question to the next, no error either, which is as the tests want it.
        "ARGOCD_PAUSE_GEN_AFTER_FAILED_ATTEMPTS": "0",
    }
    port = free_port()
    here = ("--disable-tls", "--address=127.0.0.1", "--metrics-address=127.0.0.1")
    servers = [
        [program, "argocd-cmp-server", f"--config-dir-path={folder / 'config'}"],
        [program, "argocd-repo-server", *here, f"--port={port}", f"--metrics-port={free_port()}", "--redis=127.0.0.1:1"],
    ]
    logs = [(folder / f"{server[1]}.log").open("w") for server in servers]
    running = [
        subprocess.Popen(server, env=environment, cwd=folder, stdout=log, stderr=log)
        for server, log in zip(servers, logs, strict=True)
    ]
    try:
        wait_for(running, folder / "plugins" / "sidecars.sock", int(port))
        yield ArgoCD(shell, f"127.0.0.1:{port}")
    finally:
        for server in running:
            server.kill()  # the plugin server does not end at SIGTERM
        for server, log in zip(running, logs, strict=True):
            server.wait(timeout=20)
            log.close()


def wait_for(running: list["subprocess.Popen[bytes]"], plugin: Path, port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert [server.poll() for server in running] == [None, None], f"a server ended; see {plugin.parents[1]}"
        with socket.socket() as one:
            if plugin.exists() and one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail(f"Argo CD is not ready after a minute; see {plugin.parents[1]}")


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
