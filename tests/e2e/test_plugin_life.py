"""The Helm plugins where something is missing: a refusal says what to do, what it says works, and uninstalling leaves nothing.

Both Helms, and of Helm 4 both plugins: the command `helm sidecar` and the post-renderer.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.e2e.conftest import EXAMPLES, ROOT
from tests.support.real_tools import Outcome, Shell

WAYS = {
    "helm3": ("helm3", ROOT / "helm-plugins" / "sidecar-helm3", "sidecar"),
    "helm4": ("helm4", ROOT / "helm-plugins" / "sidecar-helm4", "sidecar-cli"),
    "helm4-post-renderer": ("helm4", ROOT, "sidecar"),
}
CHART = EXAMPLES / "untouched-chart"
SETTINGS = CHART / "sidecars.yaml"
MENDED_BY = re.compile(r"run: (HELM_PLUGIN_DIR='[^']+' '[^']+')")
NO_INDEX = {
    "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_RETRIES": "0",
    "PIP_NO_CACHE_DIR": "1",
}


@dataclass(frozen=True, slots=True)
class Plugin:
    """One of the plugins, in a Helm of its own that has nothing else."""

    helm: Path
    source: Path
    name: str
    shell: Shell

    @property
    def folder(self) -> Path:
        """The link that Helm makes, named as the folder that it leads to."""
        return Path(self.shell.environment["HELM_DATA_HOME"]) / "plugins" / self.source.name

    @property
    def venv(self) -> Path:
        """Where its installation put the program."""
        return Path(f"{self.folder}.venv")

    def surrounded_by(self, **variables: str) -> "Plugin":
        """Return the same plugin with other environment variables."""
        return replace(self, shell=replace(self.shell, environment={**self.shell.environment, **variables}))

    def install(self) -> Outcome:
        return self.shell.run(self.helm, "plugin", "install", self.source)

    def use(self) -> Outcome:
        if self.source == ROOT:
            words = (f"--post-renderer-args=--values={SETTINGS}", "--post-renderer-args=--cluster-version=1.30")
            return self.shell.run(self.helm, "template", "find", CHART, "--post-renderer", "sidecar", *words)
        return self.shell.run(self.helm, "sidecar", "template", "find", CHART, "--values", SETTINGS, "--kube-version", "1.30")

    def uninstall(self) -> Outcome:
        return self.shell.run(self.helm, "plugin", "uninstall", self.name)

    def assert_mended(self, message: str) -> None:
        """Run the command that a message names; the plugin works after it."""
        found = MENDED_BY.search(message.replace("\\\\", ""))
        assert found, message
        done = self.shell.run("sh", "-c", found[1])
        assert done.status == 0, done.stderr
        self.assert_works()

    def assert_works(self) -> None:
        done = self.use()
        assert done.status == 0, done.stderr
        assert "name: logging" in done.stdout

    def assert_cannot_run(self, reason: str) -> str:
        """The plugin says why, and how to mend it; the text is returned."""
        done = self.use()
        assert done.status != 0
        assert reason in done.stderr
        assert not traceback_in(done)
        return done.stderr

    def assert_removed_cleanly(self) -> None:
        done = self.uninstall()
        assert done.status == 0, done.stderr
        assert not traceback_in(done)
        assert list(self.folder.parent.iterdir()) == []


def traceback_in(done: Outcome) -> bool:
    return "Traceback" in done.stdout + done.stderr


@pytest.fixture(params=WAYS)
def plugin(request: pytest.FixtureRequest, shell: Shell, tool: Callable[[str], Path]) -> Plugin:
    program, source, name = WAYS[request.param]
    homes = {f"HELM_{kind}_HOME": str(shell.folder / kind.lower()) for kind in ("DATA", "CONFIG", "CACHE")}
    # The program itself is not on $PATH: only the plugin can run it.
    environment = {**shell.environment, **homes, "PATH": os.environ["PATH"]}
    return Plugin(tool(program), source, name, replace(shell, environment=environment))


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """A folder for $PATH that has what the scripts call, and no Python."""
    folder = tmp_path / "commands"
    folder.mkdir()
    for name in ("sh", "cp", "rm", "sed", "grep", "dirname", "readlink", "cat"):
        (folder / name).symlink_to(str(shutil.which(name)))
    return folder


def write_script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def without_python(commands: Path) -> None:
    """Nothing of the name python is there."""


def with_an_old_python(commands: Path) -> None:
    write_script(commands / "python3", "exit 1")


def without_ensurepip(commands: Path) -> None:
    """As Debian's Python is without the package python3-venv."""
    write_script(commands / "python3", f'case "$*" in *ensurepip*) exit 1 ;; esac\nexec "{sys.executable}" "$@"')


def with_a_venv_that_breaks_off(commands: Path) -> None:
    """The disk is full, or the user pressed Ctrl-C."""
    script = f'case "$*" in *"-m venv"*) mkdir -p "$4"; : >"$4/half"; exit 1 ;; esac\nexec "{sys.executable}" "$@"'
    write_script(commands / "python3", script)
    (commands / "mkdir").symlink_to(str(shutil.which("mkdir")))


def with_no_index(commands: Path) -> None:
    (commands / "python3").symlink_to(sys.executable)


@pytest.mark.parametrize(
    ("surroundings", "reason"),
    [
        (without_python, "Python 3.10 or later is needed"),
        (with_an_old_python, "Python 3.10 or later is needed"),
        (without_ensurepip, "python3-venv"),
        (with_a_venv_that_breaks_off, "once mended, run:"),
        (with_no_index, "PyPI"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_failed_installation_says_why_and_is_removed(
    surroundings: Callable[[Path], None], reason: str, plugin: Plugin, commands: Path
) -> None:
    surroundings(commands)
    short = plugin.surrounded_by(PATH=str(commands), **NO_INDEX)
    done = short.install()
    assert done.status == 1
    assert reason in done.stderr
    assert "once mended, run:" in done.stderr
    assert not traceback_in(done)
    short.assert_cannot_run("installation was not completed")
    short.assert_removed_cleanly()


def test_what_a_failed_installation_says_mends_it(plugin: Plugin, commands: Path) -> None:
    assert plugin.surrounded_by(PATH=str(commands)).install().status == 1
    plugin.assert_mended(plugin.assert_cannot_run("installation was not completed"))
    plugin.assert_removed_cleanly()


@pytest.fixture
def installed(plugin: Plugin) -> Iterator[Plugin]:
    """The plugin, installed by a pip of 2021, the oldest that a Python of 3.10 brought."""
    subprocess.run([sys.executable, "-m", "venv", plugin.venv], check=True)
    python = plugin.venv / "bin" / "python"
    subprocess.run([python, "-I", "-m", "pip", "install", "--quiet", "pip==21.2.4"], check=True)
    done = plugin.install()
    assert done.status == 0, done.stderr
    yield plugin


def test_a_python_that_goes_later(installed: Plugin, tmp_path: Path) -> None:
    """An old pip installs it; its Python is removed, then replaced by another minor version; then all is removed."""
    installed.assert_works()
    python = installed.venv / "bin" / "python"
    python.unlink()
    python.symlink_to(tmp_path / "gone")
    installed.assert_cannot_run("the Python that it was installed with is gone")
    another = tmp_path / "python3.99"
    write_script(another, "echo 'Traceback: no module' >&2; exit 1")
    python.unlink()
    python.symlink_to(another)
    installed.assert_mended(installed.assert_cannot_run("is now python3.99"))
    python.unlink()
    python.symlink_to(tmp_path / "gone")
    done = installed.uninstall()
    assert done.status == 0
    assert not traceback_in(done)
    assert "cache" in done.stdout + done.stderr
    assert list(installed.folder.parent.iterdir()) == []


def removal_of(line: str) -> str:
    """Return the command by which docs/helm.md removes what Helm cannot, where a line of it has these words."""
    [row] = [row for row in (ROOT / "docs" / "helm.md").read_text().splitlines() if line in row]
    [command] = re.findall(r"`(rm -r [^`]+)`", row)
    return command


@pytest.mark.parametrize("installer", ["helm3", "helm4"])
@pytest.mark.parametrize("user", ["helm3", "helm4"])
def test_a_link_that_helm_cannot_remove_is_removed_as_documented(
    installer: str, user: str, shell: Shell, tool: Callable[[str], Path], tmp_path: Path
) -> None:
    """The folder was moved, or the other Helm made the link: Helm does not find the plugin."""
    source = tmp_path / WAYS[installer][1].name
    source.mkdir()
    (source / "plugin.yaml").write_text(
        re.sub(r"(?m)^ *(platformH|h)ooks:[\s\S]*", "", (WAYS[installer][1] / "plugin.yaml").read_text())
    )
    here = replace(shell, environment={**shell.environment, "HELM_DATA_HOME": str(tmp_path / "data")})
    here.output(tool(installer), "plugin", "install", source)
    plugins = tmp_path / "data" / "plugins"
    (plugins / f"{source.name}.venv").mkdir()  # what the hook would have made
    if installer == user:
        source.rename(tmp_path / "moved")
    name = WAYS[installer][2]
    done = here.run(tool(user), "plugin", "uninstall", name)
    if (installer, user) == ("helm3", "helm4"):
        assert done.status == 0, done.stderr  # Helm 4 reads the plugins of Helm 3
        return
    assert done.status == 1
    command = removal_of("installed from was moved" if installer == user else "the other Helm")
    (tmp_path / "helm").symlink_to(tool(user))
    path = f"{tmp_path}:{here.environment['PATH']}"
    replace(here, environment={**here.environment, "PATH": path}).output("sh", "-c", command.replace("FOLDER", source.name))
    assert list(plugins.iterdir()) == []
    assert here.run(tool(user), "plugin", "list").stderr == ""
