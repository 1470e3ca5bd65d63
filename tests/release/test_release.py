"""`make release`: the same bytes twice, and from its folder alone both Helms install, verify, render and uninstall."""

import json
import platform
import re
import shutil
import subprocess
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest

import sidecar_plugin
from tests.e2e.console import shell_lines
from tests.release.conftest import CHART, SETTINGS, Made, assert_nothing_left, make, renders, served
from tests.support.real_tools import ROOT, Shell, tool

VERSION = sidecar_plugin.__version__


def test_the_same_bytes_twice(made: Made, tmp_path: Path) -> None:
    done = make(made.checkout, made.gnupg, "--key", "release@example.com", "--output", tmp_path / "again")
    assert done.returncode == 0, done.stderr
    first, second = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in (made.dist, tmp_path / "again"))
    assert {name for name in first if first[name] != second.get(name)} == set()
    assert first.keys() == second.keys()


def image_of(made: Made) -> Path:
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    return made.dist / f"sidecar-plugin-image-{VERSION}-{architecture}.tar"


def test_the_folder_holds_what_is_released(made: Made) -> None:
    packages = {f"{name}-{VERSION}.tgz" for name in ("sidecar", "sidecar-cli", "sidecar-helm3", "sidecar-injection")}
    assert {path.name for path in made.dist.iterdir()} == {
        f"sidecar_plugin-{VERSION}-py3-none-any.whl",
        f"sidecar_plugin-{VERSION}.tar.gz",
        f"sidecar-plugin-{VERSION}.cdx.json",
        image_of(made).name,
        "SHA256SUMS",
        "SHA256SUMS.asc",
        *packages,
        *(f"{name}.prov" for name in packages),
    }
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=made.dist, check=True)
    for signed in (["SHA256SUMS.asc", "SHA256SUMS"], *([path.name] for path in made.dist.glob("*.prov"))):
        subprocess.run(["gpg", "--batch", "--homedir", made.gnupg, "--verify", *signed], cwd=made.dist, check=True)


def test_the_bill_of_materials_lists_what_the_plugin_installs(made: Made) -> None:
    bill = json.loads((made.dist / f"sidecar-plugin-{VERSION}.cdx.json").read_text())
    locked = re.findall(r"(?m)^([\w.-]+)==(\S+)", (ROOT / "tools" / "locks" / "run.txt").read_text())
    assert {(part["name"], part["version"]) for part in bill["components"]} == set(locked)
    assert (bill["metadata"]["component"]["name"], bill["metadata"]["component"]["version"]) == ("sidecar-plugin", VERSION)


def test_helm_4_installs_from_the_files_and_verifies(made: Made, shell: Shell) -> None:
    helm = tool("helm4")
    for name in ("sidecar", "sidecar-cli"):
        package = made.dist / f"{name}-{VERSION}.tgz"
        shell.output(helm, "plugin", "verify", package, "--keyring", made.keyring)
        assert "ready" in shell.output(helm, "plugin", "install", package, "--keyring", made.keyring)
    renders(shell.run(helm, "sidecar", "template", "find", CHART, "--values", SETTINGS, "--kube-version", "1.30"))
    words = (f"--post-renderer-args=--values={SETTINGS}", "--post-renderer-args=--cluster-version=1.30")
    renders(shell.run(helm, "template", "find", CHART, "--post-renderer", "sidecar", *words))
    for name in ("sidecar", "sidecar-cli"):
        shell.output(helm, "plugin", "uninstall", name)
    assert_nothing_left(shell)


def test_helm_4_installs_from_a_web_server_and_verifies(made: Made, shell: Shell, address: str) -> None:
    helm = tool("helm4")
    for name in ("sidecar", "sidecar-cli"):
        words = (f"{address}/{name}-{VERSION}.tgz", "--keyring", made.keyring)
        assert "ready" in shell.output(helm, "plugin", "install", *words)
    renders(shell.run(helm, "sidecar", "template", "find", CHART, "--values", SETTINGS, "--kube-version", "1.30"))
    for name in ("sidecar", "sidecar-cli"):
        shell.output(helm, "plugin", "uninstall", name)
    assert_nothing_left(shell)


def test_the_first_lines_of_the_readme(made: Made, shell: Shell) -> None:
    """As a newcomer runs them, with Python's own web server; after them `helm sidecar` works."""
    first, second, *_ = shell_lines(ROOT / "README.md")
    (shell.folder / "helm").symlink_to(tool("helm4"))
    path = {"PATH": f"{shell.folder}:{shell.environment['PATH']}"}
    here = replace(shell, environment={**shell.environment, **path})
    with served(made.dist, SimpleHTTPRequestHandler) as address:
        said = here.output("sh", "-c", first.replace("http://localhost:8000", address))
        assert f"for the command helm sidecar, install: the package sidecar-cli-{VERSION}.tgz" in said
        said = here.output("sh", "-c", second.replace("http://localhost:8000", address))
        assert f"for --post-renderer sidecar, install: the package sidecar-{VERSION}.tgz" in said
    renders(here.run(tool("helm4"), "sidecar", "template", "find", CHART, "--values", SETTINGS, "--kube-version", "1.30"))
    words = (f"--post-renderer-args=--values={SETTINGS}", "--post-renderer-args=--cluster-version=1.30")
    renders(here.run(tool("helm4"), "template", "find", CHART, "--post-renderer", "sidecar", *words))


def test_helm_3_installs_from_a_web_server(made: Made, shell: Shell, address: str) -> None:
    helm = tool("helm3")
    assert "ready" in shell.output(helm, "plugin", "install", f"{address}/sidecar-helm3-{VERSION}.tgz")
    renders(shell.run(helm, "sidecar", "template", "find", CHART, "--values", SETTINGS, "--kube-version", "1.30"))
    shell.output(helm, "plugin", "uninstall", "sidecar")
    assert_nothing_left(shell)


def test_helm_3_installs_from_an_unpacked_folder(made: Made, shell: Shell, tmp_path: Path) -> None:
    """Where a web server names no type that Helm 3 knows."""
    folder = tmp_path / "sidecar-helm3"
    folder.mkdir()
    subprocess.run(["tar", "xzf", made.dist / f"sidecar-helm3-{VERSION}.tgz", "-C", folder], check=True)
    helm = tool("helm3")
    assert "ready" in shell.output(helm, "plugin", "install", folder)
    renders(shell.run(helm, "sidecar", "template", "find", CHART, "--values", SETTINGS, "--kube-version", "1.30"))
    shell.output(helm, "plugin", "uninstall", "sidecar")
    assert_nothing_left(shell)


def test_helm_4_refuses_a_package_with_one_byte_changed(made: Made, shell: Shell, tmp_path: Path) -> None:
    package = tmp_path / f"sidecar-{VERSION}.tgz"
    shutil.copy(made.dist / f"{package.name}.prov", tmp_path)
    data = bytearray((made.dist / package.name).read_bytes())
    data[len(data) // 2] ^= 1
    package.write_bytes(data)
    done = shell.run(tool("helm4"), "plugin", "install", package, "--keyring", made.keyring)
    assert done.status == 1
    assert "verif" in done.stderr
    assert not list(tmp_path.glob("data/plugins/*"))


@pytest.mark.parametrize("version", ["helm3", "helm4"])
def test_the_library_chart_is_verified(version: str, made: Made, shell: Shell, tmp_path: Path) -> None:
    package = made.dist / f"sidecar-injection-{VERSION}.tgz"
    shell.output(tool(version), "verify", package, "--keyring", made.keyring)
    shown = shell.output(tool(version), "show", "chart", package)
    assert "type: library" in shown
    assert "home: https://git.example.com/team/sidecar-plugin\n" in shown
    chart = tmp_path / "web"
    shutil.copytree(ROOT / "examples" / "web", chart)
    shutil.rmtree(chart / "charts" / "sidecar-injection")
    shutil.copy(package, chart / "charts")
    rendered = shell.output(tool(version), "template", "shop", chart, "--kube-version", "1.30")
    assert "kind: SidecarInjection" in rendered


def test_what_the_version_renders_is_kept() -> None:
    """By this a later version knows which pods it would roll: run tests/agents/test_released.py with UPDATE_CASES=1."""
    agents = {path.parent.name for path in (ROOT / "templates").glob("*/agent.yaml.j2")}
    kept = {path.stem.rpartition("-")[0] for path in (ROOT / "tests" / "agents" / "released" / VERSION).glob("*.yaml")}
    assert kept == agents


def test_it_is_made_of_a_commit_only(made: Made) -> None:
    stray = made.checkout / "stray"
    stray.touch()
    done = make(made.checkout, made.gnupg)
    stray.unlink()
    assert done.returncode == 1
    assert "commit" in done.stderr


def test_a_key_that_is_not_there_is_named(made: Made, tmp_path: Path) -> None:
    done = make(made.checkout, made.gnupg, "--key", "nobody@example.com", "--output", tmp_path / "none")
    assert done.returncode == 1
    assert "nobody@example.com" in done.stderr
    assert not (tmp_path / "none").exists()
