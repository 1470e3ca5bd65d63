"""From dist/ alone, in a Debian with Python, with no network: install, verify, render, uninstall, and nothing is left."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import sidecar_plugin
from tests.release.conftest import CHART, Made
from tests.support.real_tools import ROOT, tool

VERSION = sidecar_plugin.__version__
HELMS_OWN = ("root/.cache/helm/", "root/.config/helm/", "root/.local/share/helm/")
TEMPLATE = "template find /src/chart --kube-version 1.30"


@dataclass(frozen=True, slots=True)
class Debian:
    """The root of a Debian, with helm3, helm4, /src/dist, /src/chart and the public key."""

    root: Path

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a script inside, with no network but its own loopback, which is down."""
        isolated = ("unshare", "--net", "--mount", "--pid", "--fork", f"--mount-proc={self.root}/proc")
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/root", "LC_ALL": "C.UTF-8"}
        command = [*isolated, "chroot", self.root, "sh", "-euc", script]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)

    def output(self, script: str) -> str:
        """Run a script that has to succeed, and return its standard output."""
        done = self.run(script)
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout

    def files(self) -> set[str]:
        """Return all that is there, but for folders and what Helm keeps of its own."""
        found = subprocess.run(
            ["find", self.root, "-xdev", "-not", "-type", "d", "-printf", "%P\n"], capture_output=True, text=True, check=True
        )
        return {name for name in found.stdout.splitlines() if not name.startswith(HELMS_OWN)}


@pytest.fixture(scope="module")
def debian(made: Made) -> Iterator[Debian]:
    folder = Path(tempfile.mkdtemp())
    root = folder / "root"
    try:
        build = ["mmdebstrap", "--quiet", "--variant=minbase", "--include=python3,python3-venv,gpgv", "trixie", root]
        subprocess.run(build, check=True, capture_output=True)
        shutil.copytree(made.dist, root / "src" / "dist")
        shutil.copytree(CHART, root / "src" / "chart")
        shutil.copytree(ROOT / "examples" / "web", root / "src" / "web")
        shutil.copy(made.keyring, root / "src" / "public.gpg")
        for version in ("helm3", "helm4"):
            shutil.copy(tool(version), root / "usr" / "local" / "bin" / version)
        yield Debian(root)
    finally:
        subprocess.run(["rm", "-rf", "--one-file-system", folder], check=False)


def test_there_is_no_network_and_no_other_way(debian: Debian) -> None:
    assert debian.output("tail -n +3 /proc/net/dev | cut -d: -f1").split() == ["lo"]
    assert debian.output("python3 --version").startswith("Python 3.13")
    assert debian.run("pip --version || git --version || curl --version").returncode != 0


def test_helm_4(debian: Debian) -> None:
    before = debian.files()
    for name in ("sidecar", "sidecar-cli"):
        package = f"/src/dist/{name}-{VERSION}.tgz --keyring /src/public.gpg"
        debian.output(f"helm4 plugin verify {package}")
        assert "ready" in debian.output(f"helm4 plugin install {package}")
    shown = debian.output(f"helm4 sidecar {TEMPLATE} --values /src/chart/sidecars.yaml")
    words = "--post-renderer sidecar --post-renderer-args=--values=/src/chart/sidecars.yaml"
    piped = debian.output(f"helm4 {TEMPLATE} {words} --post-renderer-args=--cluster-version=1.30")
    for text in (shown, piped):
        assert "name: logging" in text
        assert "restartPolicy: Always" in text
    debian.output("helm4 plugin uninstall sidecar sidecar-cli")
    assert debian.files() - before == set()
    assert os.listdir(debian.root / "root" / ".local" / "share" / "helm" / "plugins") == []


def test_helm_3(debian: Debian) -> None:
    """Helm 3 verifies no plugin: gpgv verifies the sums, and sha256sum the package."""
    before = debian.files()
    debian.output(
        "cd /src/dist; gpgv --keyring /src/public.gpg SHA256SUMS.asc SHA256SUMS; sha256sum --check --strict SHA256SUMS"
    )
    debian.output(f"mkdir /tmp/sidecar-helm3; tar xzf /src/dist/sidecar-helm3-{VERSION}.tgz -C /tmp/sidecar-helm3")
    assert "ready" in debian.output("helm3 plugin install /tmp/sidecar-helm3")
    assert "restartPolicy: Always" in debian.output(f"helm3 sidecar {TEMPLATE} --values /src/chart/sidecars.yaml")
    debian.output("helm3 plugin uninstall sidecar; rm -r /tmp/sidecar-helm3")
    assert debian.files() - before == set()
    assert os.listdir(debian.root / "root" / ".local" / "share" / "helm" / "plugins") == []


@pytest.mark.parametrize("helm", ["helm3", "helm4"])
def test_the_library_chart(helm: str, debian: Debian) -> None:
    package = f"/src/dist/sidecar-injection-{VERSION}.tgz"
    debian.output(f"{helm} verify {package} --keyring /src/public.gpg")
    debian.output(f"rm -rf /src/web/charts/*; cp {package} /src/web/charts/")
    assert "kind: SidecarInjection" in debian.output(f"{helm} template shop /src/web --kube-version 1.30")


def test_the_wheel(debian: Debian) -> None:
    """The program alone, from the wheels that the plugins carry."""
    debian.output(
        f"mkdir /tmp/unpacked; tar xzf /src/dist/sidecar-{VERSION}.tgz -C /tmp/unpacked; python3 -m venv /tmp/venv;"
        f"/tmp/venv/bin/pip install --quiet --no-index --find-links /tmp/unpacked/sidecar/wheels /src/dist/*.whl"
    )
    assert debian.output("/tmp/venv/bin/sidecar-plugin --version") == f"sidecar-plugin {VERSION}\n"
    debian.output("rm -r /tmp/unpacked /tmp/venv")
