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
    assert {"sidecar_plugin/settings/schema.json", "sidecar_plugin/py.typed"} <= names


@pytest.fixture(scope="module")
def unpacked(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the sdist unpacks to."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(dist / f"sidecar_plugin-{VERSION}.tar.gz") as archive:
        archive.extractall(folder)
    [top] = folder.iterdir()
    return top


def test_the_sdist_is_the_repository(unpacked: Path) -> None:
    """Every file of the repository and none that was built: tests, charts and documents too."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    )
    repository = {name for name in listed.stdout.decode().rstrip("\0").split("\0") if (ROOT / name).is_file()}
    assert {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()} - {"PKG-INFO"} == repository


def test_the_tests_of_the_sdist_run(unpacked: Path) -> None:
    """All are collected, and those of a few folders pass, with the program of the sdist."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}

    def pytest_in_it(*words: str) -> None:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
        done = subprocess.run(command, cwd=unpacked, env=clean, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]

    pytest_in_it("--collect-only")
    pytest_in_it("-x", "tests/settings", "tests/project/test_package_metadata.py", "tests/project/test_security.py")


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
