"""`make publish`: a release in a real OCI registry (CNCF Distribution) with TLS is installed and verified from there."""

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

import sidecar_plugin
from tests.release.conftest import CHART, SETTINGS, Made, assert_nothing_left, renders
from tests.release.registry import Registry
from tests.support.real_tools import ROOT, TOOLS, Shell, tool

VERSION = sidecar_plugin.__version__


@pytest.fixture
def trusting(shell: Shell, registry: Registry) -> Shell:
    """The shell, which trusts the registry's certificate."""
    return replace(shell, environment={**shell.environment, "SSL_CERT_FILE": str(registry.authority)})


def test_helm_4_installs_both_plugins_and_verifies_them(made: Made, published: str, trusting: Shell) -> None:
    helm = tool("helm4")
    for name in ("sidecar", "sidecar-cli"):
        words = (f"oci://{published}/{name}:{VERSION}", "--keyring", made.keyring)
        assert "ready" in trusting.output(helm, "plugin", "install", *words)
    renders(trusting.run(helm, "sidecar", "template", "find", CHART, "--values", SETTINGS, "--kube-version", "1.30"))
    words = (f"--post-renderer-args=--values={SETTINGS}", "--post-renderer-args=--cluster-version=1.30")
    renders(trusting.run(helm, "template", "find", CHART, "--post-renderer", "sidecar", *words))
    for name in ("sidecar", "sidecar-cli"):
        trusting.output(helm, "plugin", "uninstall", name)
    assert_nothing_left(trusting)


def test_helm_4_refuses_a_plugin_with_one_byte_changed(made: Made, registry: Registry, trusting: Shell, tmp_path: Path) -> None:
    """The signature and the registry's own sums are right: somebody pushed another package with the old .prov."""
    changed = tmp_path / "dist"
    shutil.copytree(made.dist, changed)
    package = changed / f"sidecar-{VERSION}.tgz"
    data = bytearray(package.read_bytes())
    data[4] ^= 1  # the time in gzip's head: it unpacks as before
    package.write_bytes(data)
    sums = subprocess.run("sha256sum *.tgz *.tar", shell=True, cwd=changed, capture_output=True, text=True, check=True).stdout
    (changed / "SHA256SUMS").write_text(sums)
    folder = registry.push(changed, "changed")
    done = trusting.run(tool("helm4"), "plugin", "install", f"oci://{folder}/sidecar:{VERSION}", "--keyring", made.keyring)
    assert done.status == 1
    assert "sha256 sum does not match" in done.stderr
    assert not list(tmp_path.glob("data/plugins/*"))


def test_helm_4_refuses_a_plugin_without_a_signature(made: Made, registry: Registry, trusting: Shell, tmp_path: Path) -> None:
    unsigned = tmp_path / "dist"
    shutil.copytree(made.dist, unsigned, ignore=shutil.ignore_patterns("*.prov"))
    sums = (unsigned / "SHA256SUMS").read_text().splitlines(keepends=True)
    (unsigned / "SHA256SUMS").write_text("".join(line for line in sums if ".prov" not in line))
    folder = registry.push(unsigned, "unsigned")
    done = trusting.run(tool("helm4"), "plugin", "install", f"oci://{folder}/sidecar:{VERSION}", "--keyring", made.keyring)
    assert done.status == 1
    assert "prov" in done.stderr
    assert not list(tmp_path.glob("data/plugins/*"))


@pytest.mark.parametrize("version", ["helm3", "helm4"])
def test_the_library_chart_is_pulled_and_verified(
    version: str, made: Made, published: str, trusting: Shell, tmp_path: Path
) -> None:
    helm, source = tool(version), f"oci://{published}/charts/sidecar-injection"
    trusting.output(helm, "pull", source, "--version", VERSION, "--verify", "--keyring", made.keyring)
    assert (tmp_path / f"sidecar-injection-{VERSION}.tgz").exists()
    web = tmp_path / "web"
    shutil.copytree(ROOT / "examples" / "web", web)
    shutil.rmtree(web / "charts")
    chart = (web / "Chart.yaml").read_text()
    (web / "Chart.yaml").write_text(
        "\n".join(
            f'  repository: "oci://{published}/charts"' if line.strip().startswith("repository:") else line
            for line in chart.splitlines()
        )
    )
    trusting.output(helm, "dependency", "update", web, "--verify", "--keyring", made.keyring)
    assert "kind: SidecarInjection" in trusting.output(helm, "template", "shop", web, "--kube-version", "1.30")


def test_helm_3_installs_what_oras_pulls(published: str, made: Made, trusting: Shell, tmp_path: Path) -> None:
    """Helm 3 takes no plugin from a registry: it is pulled, unpacked, and installed from its folder."""
    done = trusting.run(tool("helm3"), "plugin", "install", f"oci://{published}/sidecar-helm3:{VERSION}")
    assert done.status == 1
    trusting.output(TOOLS / "oras", "pull", f"{published}/sidecar-helm3:{VERSION}")
    assert (tmp_path / f"sidecar-helm3-{VERSION}.tgz").read_bytes() == (made.dist / f"sidecar-helm3-{VERSION}.tgz").read_bytes()


def test_the_image_is_pulled_and_runs(published: str, registry: Registry, tmp_path: Path) -> None:
    certificates = tmp_path / "certificates"
    certificates.mkdir()
    shutil.copy(registry.authority, certificates / "ca.crt")
    (tmp_path / "containers.conf").write_text(
        '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\n'
    )
    storage = tmp_path / "storage"
    (tmp_path / "storage.conf").write_text(f'[storage]\ngraphroot = "{storage}"\nrunroot = "{storage}.run"\n')
    environment = {
        **os.environ,
        "CONTAINERS_CONF": str(tmp_path / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(tmp_path / "storage.conf"),
    }
    image = f"{published}/sidecar-plugin:{VERSION}"
    try:
        pull = ("podman", "pull", "--quiet", "--cert-dir", certificates, image)
        subprocess.run(pull, env=environment, check=True, capture_output=True)
        limits = ("--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024")
        run = ("podman", "run", "--rm", "--network=none", "--read-only", "--pull=never", *limits, image, "--version")
        done = subprocess.run(run, env=environment, check=False, capture_output=True, text=True)
        assert done.stdout == f"sidecar-plugin {VERSION}\n", done.stderr
    finally:
        subprocess.run(("podman", "rmi", "--all", "--force"), env=environment, capture_output=True, check=False)
        shutil.rmtree(storage, ignore_errors=True)
