"""Released plugins where something is missing, by every way of installing: a message mends it, and uninstalling leaves nothing.

tests/e2e/test_plugin_life.py does the same with a checkout.
"""

import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import sidecar_plugin
from tests.release.conftest import CHART, SETTINGS, Made
from tests.release.registry import Registry
from tests.support.real_tools import Outcome, Shell, tool

VERSION = sidecar_plugin.__version__
MENDED_BY = re.compile(r"run: (HELM_PLUGIN_DIR='[^']+' '[^']+')")
NEEDED = ("sh", "cp", "rm", "sed", "grep", "dirname", "readlink", "cat")


@dataclass(frozen=True, slots=True)
class Plugin:
    """A released plugin: where Helm gets it, and a Helm that has nothing else."""

    helm: Path
    name: str
    source: tuple[str | Path, ...]
    shell: Shell

    @property
    def plugins(self) -> Path:
        return Path(self.shell.environment["HELM_DATA_HOME"], "plugins")

    @property
    def venv(self) -> Path:
        [found] = self.plugins.glob("*.venv")
        return found

    def install(self, **variables: str) -> Outcome:
        shell = replace(self.shell, environment={**self.shell.environment, **variables})
        return shell.run(self.helm, "plugin", "install", *self.source)

    def use(self) -> Outcome:
        if self.helm.name == "helm4" and self.name == "sidecar":
            words = (f"--post-renderer-args=--values={SETTINGS}", "--post-renderer-args=--cluster-version=1.30")
            return self.shell.run(self.helm, "template", "find", CHART, "--post-renderer", "sidecar", *words)
        return self.shell.run(self.helm, "sidecar", "template", "find", CHART, "--values", SETTINGS, "--kube-version", "1.30")

    def assert_works(self) -> None:
        done = self.use()
        assert done.status == 0, done.stderr
        assert "name: logging" in done.stdout

    def assert_mended_by_what_it_says(self, reason: str) -> None:
        """It cannot run, says why, and works after the command that it names."""
        done = self.use()
        assert done.status != 0
        assert "Traceback" not in done.stderr
        said = done.stderr.replace("\\\n", "").replace("\\\\", "")
        assert reason in said
        command = MENDED_BY.search(said)
        assert command, said
        mended = self.shell.run("sh", "-c", command[1])
        assert mended.status == 0, mended.stderr
        self.assert_works()

    def assert_removed_cleanly(self) -> None:
        done = self.shell.run(self.helm, "plugin", "uninstall", self.name)
        assert done.status == 0, done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        assert list(self.plugins.iterdir()) == []


@pytest.fixture(params=["helm3-url", "helm3-folder", "helm4-file", "helm4-url", "helm4-registry", "helm4-post-renderer-url"])
def plugin(
    request: pytest.FixtureRequest, made: Made, shell: Shell, address: str, registry: Registry, published: str, tmp_path: Path
) -> Plugin:
    """Each way of installing."""
    version, _, way = request.param.partition("-")
    package = {"helm3": "sidecar-helm3", "helm4": "sidecar" if "post-renderer" in way else "sidecar-cli"}[version]
    file = made.dist / f"{package}-{VERSION}.tgz"
    if way == "folder":
        folder = tmp_path / package
        folder.mkdir()
        subprocess.run(["tar", "xzf", file, "-C", folder], check=True)
        source: str | Path = folder
    elif way == "registry":
        source = f"oci://{published}/{package}:{VERSION}"
        shell = replace(shell, environment={**shell.environment, "SSL_CERT_FILE": str(registry.authority)})
    else:
        source = f"{address}/{file.name}" if way.endswith("url") else file
    keyring = ("--keyring", made.keyring) if version == "helm4" else ()
    return Plugin(tool(version), "sidecar-cli" if package == "sidecar-cli" else "sidecar", (source, *keyring), shell)


@pytest.fixture
def bare_path(tmp_path: Path) -> str:
    """A $PATH with what the scripts call, and no Python."""
    folder = tmp_path / "commands"
    folder.mkdir()
    for name in NEEDED:
        (folder / name).symlink_to(str(shutil.which(name)))
    return str(folder)


def test_no_python(plugin: Plugin, bare_path: str) -> None:
    done = plugin.install(PATH=bare_path)
    assert done.status == 1
    assert "Python 3.10 or later is needed" in done.stderr
    assert "once mended, run:" in done.stderr
    plugin.assert_mended_by_what_it_says("its installation was not completed")
    plugin.assert_removed_cleanly()


def test_a_platform_that_the_package_has_no_wheels_for(plugin: Plugin) -> None:
    """Python's own name for the platform decides; then all is removed, though nothing was installed."""
    done = plugin.install(_PYTHON_HOST_PLATFORM="linux-riscv64")
    assert done.status == 1
    for words in ("found none that fit here", "SIDECAR_PLUGIN_FROM_INDEX=1", "once mended, run:"):
        assert words in done.stderr
    assert "Traceback" not in done.stderr
    plugin.assert_removed_cleanly()


def test_python_goes_and_the_plugin_is_moved(plugin: Plugin, tmp_path: Path) -> None:
    done = plugin.install()
    assert done.status == 0, done.stderr
    plugin.assert_works()
    python = plugin.venv / "bin" / "python"
    python.unlink()
    python.symlink_to(tmp_path / "gone")
    plugin.assert_mended_by_what_it_says("the Python that it was installed with is gone")
    (tmp_path / "data").rename(tmp_path / "moved")
    moved = {**plugin.shell.environment, "HELM_DATA_HOME": str(tmp_path / "moved")}
    plugin = replace(plugin, shell=replace(plugin.shell, environment=moved))
    plugin.assert_mended_by_what_it_says("it was moved from where it was installed")
    plugin.assert_removed_cleanly()
