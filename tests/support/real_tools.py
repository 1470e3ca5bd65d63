"""The real tools of tools/bin and how tests run them: in a folder, with an environment, and through the post-renderer."""

import fcntl
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "tools" / "bin"
PROGRAM = Path(sys.executable).parent / "sidecar-plugin"
WORKER = os.environ.get("PYTEST_XDIST_WORKER")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended and what it wrote."""

    status: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class Shell:
    """Runs commands in one folder, with one environment."""

    environment: Mapping[str, str]
    folder: Path

    def run(self, *command: str | Path) -> Outcome:
        """Run a command, to whatever end."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=300, check=False
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def output(self, *command: str | Path) -> str:
        """Run a command that has to succeed, and return its standard output."""
        done = self.run(*command)
        assert done.status == 0, f"{' '.join(map(str, command))}\n{done.stderr}{done.stdout}"
        return done.stdout


@dataclass(frozen=True, slots=True)
class Helm:
    """One of the two Helms, with the name that the post-renderer has there."""

    program: Path
    post_renderer: str
    shell: Shell

    def run(self, command: str, chart: Path, *options: str) -> Outcome:
        """Run `helm COMMAND shop CHART` through the post-renderer, to whatever end."""
        return self.shell.run(self.program, command, "shop", chart, "--post-renderer", self.post_renderer, *options)

    def template(self, chart: Path, *options: str) -> str:
        """Return what `helm template` of a chart gives through the post-renderer."""
        done = self.run("template", chart, *options)
        assert done.status == 0, done.stderr
        return done.stdout


def tool(name: str) -> Path:
    """Return the path of a tool; its absence is a failure, for a skipped test proves nothing."""
    path = TOOLS / name
    if not path.exists():
        pytest.fail(f"{path} is missing: run tools/install", pytrace=False)
    return path


def version_of(name: str) -> str:
    """Return the version of a tool that tools/NAME/go.mod names by its line `tool`."""
    text = (ROOT / "tools" / name / "go.mod").read_text()
    [module] = re.findall(r"^tool ([^/\n]+/[^/\n]+/[^/\n]+)", text, re.MULTILINE)
    [version] = re.findall(rf"^\s*(?:require )?{re.escape(module)} v(\S+)", text, re.MULTILINE)
    return str(version)


def environment(home: Path) -> dict[str, str]:
    """Return the environment of somebody with this home, with the program and the real tools in front of $PATH."""
    path = os.pathsep.join((str(PROGRAM.parent), str(TOOLS), os.environ["PATH"]))
    return {"PATH": path, "HOME": str(home), "KUBECONFIG": str(home / "none"), "LC_ALL": "C.UTF-8"}


def base_of(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that all workers of this run have in common."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if WORKER else base


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a lock among the workers of pytest-xdist."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def helm4_homes(base: Path) -> dict[str, str]:
    """Return the folders of a Helm 4 into which this very checkout was installed as a plugin, once for all workers."""
    homes = {f"HELM_{name}_HOME": str(base / "helm4" / name.lower()) for name in ("DATA", "CONFIG", "CACHE")}
    with alone(base):
        if not (base / "helm4").exists():
            done = subprocess.run(
                (tool("helm4"), "plugin", "install", ROOT),
                env={**os.environ, **homes},
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                pytest.fail(f"helm plugin install {ROOT}\n{done.stdout}{done.stderr}", pytrace=False)
    return homes
