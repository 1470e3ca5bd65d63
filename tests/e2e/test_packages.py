"""Wheel and sdist hold what the program needs, and the tools that people install programs with take them."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import sidecar_plugin
from tests.e2e.conftest import EXAMPLES
from tests.support.real_tools import ROOT, alone

BIN = Path(sys.executable).parent
VERSION = sidecar_plugin.__version__


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel and the sdist, built by uv once for all workers; the wheel from the sdist."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = base / "dist"
    with alone(base):
        if not folder.exists():
            done = subprocess.run(
                [BIN / "uv", "build", "--quiet", "--out-dir", folder, ROOT], capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
    return folder


def test_the_wheel_holds_templates_and_schemas(dist: Path) -> None:
    names = set(zipfile.ZipFile(dist / f"sidecar_plugin-{VERSION}-py3-none-any.whl").namelist())
    agents = [path for path in (ROOT / "templates").rglob("*") if path.is_file()]
    assert {f"sidecar_plugin/templates/{path.relative_to(ROOT / 'templates')}" for path in agents} <= names
    assert "sidecar_plugin/settings/schema.json" in names


def test_the_sdist_is_the_project_without_what_was_built(dist: Path) -> None:
    top = f"sidecar_plugin-{VERSION}/"
    with tarfile.open(dist / f"sidecar_plugin-{VERSION}.tar.gz") as archive:
        names = {name.removeprefix(top) for name in archive.getnames()}
    for name in (
        "plugin.yaml",
        "charts/sidecar-injection/values.schema.json",
        "helm-plugins/sidecar-helm4/plugin.yaml",
        "Makefile",
    ):
        assert name in names
    assert not any(name.startswith("tools/bin") or "__pycache__" in name for name in names)


@pytest.mark.parametrize("package", ["wheel", "sdist"])
@pytest.mark.parametrize("installer", ["uv", "pipx"])
def test_it_is_installed_as_a_tool(installer: str, package: str, dist: Path, tmp_path: Path) -> None:
    """And runs in a folder that has nothing of the project, with no variable set."""
    name = f"sidecar_plugin-{VERSION}" + ("-py3-none-any.whl" if package == "wheel" else ".tar.gz")
    words = [BIN / "uv", "tool", "install"] if installer == "uv" else [BIN / "pipx", "install"]
    homes = {
        "HOME": str(tmp_path),
        "UV_TOOL_DIR": str(tmp_path / "tools"),
        "UV_TOOL_BIN_DIR": str(tmp_path / "bin"),
        "UV_PYTHON": sys.executable,
        "PIPX_HOME": str(tmp_path / "pipx"),
        "PIPX_BIN_DIR": str(tmp_path / "bin"),
        "PIPX_DEFAULT_PYTHON": sys.executable,
    }
    done = subprocess.run([*words, dist / name], env={**os.environ, **homes}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    program = tmp_path / "bin" / "sidecar-plugin"

    def output(*words: str | Path) -> str:
        clean = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
        return subprocess.run([program, *words], cwd=tmp_path, env=clean, capture_output=True, text=True, check=True).stdout

    assert output("--version") == f"sidecar-plugin {VERSION}\n"
    assert "logging" in output("agents")
    assert "restartPolicy: Always" in output(
        "inject", "--config", EXAMPLES / "kustomize" / "sidecars.yaml", EXAMPLES / "plain" / "manifests"
    )
    assert "complete" in output("completion", "bash")
    assert '"$id"' in output("schema")
