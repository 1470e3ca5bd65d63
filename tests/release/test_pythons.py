"""A released plugin runs on every Python of this machine: on $PATH, and those that pyenv built."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import sidecar_plugin
from tests.release.conftest import CHART, NO_NETWORK, SETTINGS, Made
from tests.support.real_tools import tool

MINORS = ("3.10", "3.11", "3.12", "3.13", "3.14")


def pythons() -> dict[str, str]:
    """Return a Python of each minor version that is here, by that version."""
    uv = Path(sys.executable).parent / "uv"
    found: dict[str, str] = {}
    for minor in MINORS:
        built = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions").glob(f"{minor}.*/bin/python{minor}")
        find = [uv, "python", "find", "--system", "--no-python-downloads", minor]
        done = subprocess.run(find, capture_output=True, text=True, check=False)
        for path in (*sorted(map(str, built)), *([done.stdout.strip()] if done.returncode == 0 else [])):
            found.setdefault(minor, path)
    return found


def test_every_python_here_installs_it_and_renders_the_same(made: Made, tmp_path: Path) -> None:
    """Each from the files of the package alone."""
    found = pythons()
    assert f"{sys.version_info.major}.{sys.version_info.minor}" in found
    plugin = tmp_path / "sidecar"
    plugin.mkdir()
    package = made.dist / f"sidecar-helm3-{sidecar_plugin.__version__}.tgz"
    subprocess.run(["tar", "xzf", package, "-C", plugin], check=True)
    plain = subprocess.run([tool("helm3"), "template", "find", CHART], capture_output=True, text=True, check=True).stdout
    rendered = {}
    for minor, python in found.items():
        commands = tmp_path / minor
        commands.mkdir()
        (commands / "python3").write_text(f'#!/bin/sh\nexec "{python}" "$@"\n')
        (commands / "python3").chmod(0o755)
        own = {"HELM_PLUGIN_DIR": str(plugin), "SIDECAR_PLUGIN_CACHE": "off", **NO_NETWORK}
        environment = {"PATH": f"{commands}:/usr/bin:/bin", "HOME": str(tmp_path), **own}
        subprocess.run([plugin / "tools" / "helm-plugin-install"], env=environment, check=True)
        assert (Path(f"{plugin}.venv") / "lib" / f"python{minor}").is_dir()
        run = [plugin / "tools" / "helm-plugin-run", "--values", SETTINGS, "--cluster-version", "1.30"]
        rendered[minor] = subprocess.run(run, input=plain, env=environment, capture_output=True, text=True, check=True).stdout
        shutil.rmtree(f"{plugin}.venv")
    first, *others = rendered.values()
    assert "restartPolicy: Always" in first
    assert set(others) <= {first}
