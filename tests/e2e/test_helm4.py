"""What is so in Helm 4 only: the plugin's installation, hooks, and the ways in which messages reach the user."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

import sidecar_plugin
from tests.e2e.conftest import EXAMPLES, ROOT, Helm, Shell
from tests.e2e.rendered import documents, sidecars

WEB = EXAMPLES / "web"


def test_this_folder_is_installed_as_the_plugin_sidecar(helm4: Helm) -> None:
    row = helm4.shell.output(helm4.program, "plugin", "list").splitlines()[1].split()
    assert row[:3] == ["sidecar", sidecar_plugin.__version__, "postrenderer/v1"]


def test_hooks_are_handed_over_and_injected(helm4: Helm) -> None:
    assert sidecars(helm4.template(WEB, "--kube-version", "1.30")) == {
        "Deployment/shop-web": {"logging": "native"},
        "CronJob/shop-clean-up": {"logging": "native"},
        "Job/shop-migrate": {"logging": "native"},
    }


def test_hooks_stay_hooks(helm4: Helm) -> None:
    job = next(d for d in documents(helm4.template(WEB, "--kube-version", "1.30")) if d["kind"] == "Job")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"


def test_no_hook_is_handed_over_when_the_user_wants_none(helm4: Helm) -> None:
    assert "Job/shop-migrate" not in sidecars(helm4.template(WEB, "--kube-version", "1.30", "--no-hooks"))


def test_each_document_is_still_known_by_its_template(helm4: Helm) -> None:
    """Helm marks each document with its template, and takes the mark away when it comes back."""
    plain = helm4.shell.output(helm4.program, "template", "shop", WEB, "--kube-version", "1.30")
    rendered = helm4.template(WEB, "--kube-version", "1.30")
    assert sources(plain) - sources(rendered) == {"web/templates/sidecars.yaml"}
    assert "postrenderer.helm.sh" not in rendered


def sources(rendered: str) -> set[str]:
    """Return the templates that Helm names in its output."""
    return {line.removeprefix("# Source: ") for line in rendered.splitlines() if line.startswith("# Source: ")}


def test_install_as_a_dry_run_of_the_client_needs_no_cluster(helm4: Helm) -> None:
    done = helm4.run("install", WEB, "--dry-run=client", "--set", "sidecars.clusterVersion=1.28")
    assert done.status == 0, done.stderr
    hooks, _, manifest = done.stdout.partition("\nMANIFEST:\n")
    assert sidecars(manifest)["Deployment/shop-web"] == {"logging": "acs"}
    assert sidecars(hooks.partition("\nHOOKS:\n")[2]) == {"Job/shop-migrate": {"logging": "acs"}}


def test_install_takes_the_version_from_the_cluster(helm4: Helm, cluster_of_1_28: str) -> None:
    address = ("--kube-apiserver", cluster_of_1_28, "--disable-openapi-validation")
    done = helm4.run("install", WEB, "--dry-run=server", *address)
    assert done.status == 0, done.stderr
    assert sidecars(done.stdout.partition("\nMANIFEST:\n")[2])["Deployment/shop-web"] == {"logging": "acs"}


def test_an_error_stops_an_installation(helm4: Helm) -> None:
    done = helm4.run("install", WEB, "--dry-run=client", "--set", "sidecars.agents.loging.enabled=true")
    assert done.status == 1
    assert "did you mean" in done.stderr
    assert done.stdout == ""


def test_the_report_is_shown_beside_the_rendering(helm4: Helm) -> None:
    done = helm4.run("template", WEB, "--kube-version", "1.30")
    assert "shop-web" in done.stderr


@pytest.fixture
def fresh_helm4(shell: Shell, tool) -> Helm:
    """A Helm 4 that has no plugin."""
    return Helm(tool("helm4"), "sidecar", shell)


@pytest.fixture
def copied_checkout(tmp_path: Path) -> Path:
    """What a clone of this checkout would hold, with the changes that are not committed yet."""
    listed = subprocess.run(
        ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"),
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    clone = tmp_path / "clone"
    for name in listed.stdout.decode().rstrip("\0").split("\0"):
        if (ROOT / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, clone / name)
    return clone


def test_the_plugin_is_installed_from_a_git_url(fresh_helm4: Helm, copied_checkout: Path) -> None:
    git = replace(fresh_helm4.shell, folder=copied_checkout)
    git.output("git", "init", "--quiet", "--initial-branch=main")
    git.output("git", "add", "--all")
    git.output("git", "-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "--quiet", "--message=all")
    # Signatures are for archives: Helm 4 wants to be told that a repository has none.
    fresh_helm4.shell.output(fresh_helm4.program, "plugin", "install", f"file://{copied_checkout}", "--verify=false")
    assert sidecars(fresh_helm4.template(WEB, "--kube-version", "1.30"))["Deployment/shop-web"] == {"logging": "native"}


def test_a_plugin_without_a_python_says_what_is_missing(fresh_helm4: Helm, copied_checkout: Path) -> None:
    tools = copied_checkout.parent / "tools-without-python"
    tools.mkdir()
    for name in ("sh", "dirname"):
        (tools / name).symlink_to(str(shutil.which(name)))
    shell = replace(fresh_helm4.shell, environment={**fresh_helm4.shell.environment, "PATH": str(tools)})
    done = shell.run(fresh_helm4.program, "plugin", "install", copied_checkout)
    assert done.status == 1
    assert "Python 3.10 or later is needed" in done.stderr
    assert "once mended, run:" in done.stderr


def test_uninstalling_takes_the_plugin_away_and_leaves_the_folder(fresh_helm4: Helm, tmp_path: Path) -> None:
    plugin = tmp_path / "plugin"
    plugin.mkdir()
    (plugin / "plugin.yaml").write_text(without_hooks((ROOT / "plugin.yaml").read_text()))
    fresh_helm4.shell.output(fresh_helm4.program, "plugin", "install", plugin)
    fresh_helm4.shell.output(fresh_helm4.program, "plugin", "uninstall", "sidecar")
    assert "sidecar" not in fresh_helm4.shell.output(fresh_helm4.program, "plugin", "list")
    assert plugin.exists()


def without_hooks(plugin: str) -> str:
    """Return a plugin.yaml whose installation starts nothing."""
    data = yaml.safe_load(plugin)
    del data["runtimeConfig"]["platformHooks"]
    return yaml.safe_dump(data)
