"""The real tools of tools/bin, each with homes of its own, and the program of the environment that runs the tests."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from discovery import cluster

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
TOOLS = ROOT / "tools" / "bin"
PROGRAM = Path(sys.executable).parent / "sidecar-plugin"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


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
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120, check=False
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


@pytest.fixture(scope="session")
def tool() -> Callable[[str], Path]:
    """Return the path of a tool; its absence is a failure, for a skipped test proves nothing."""

    def path_of(name: str) -> Path:
        path = TOOLS / name
        if not path.exists():
            pytest.fail(f"{path} is missing: run tools/install", pytrace=False)
        return path

    return path_of


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell whose home is empty and whose $PATH has the program and the real tools in front."""
    home = tmp_path / "home"
    home.mkdir()
    path = os.pathsep.join((str(PROGRAM.parent), str(TOOLS), os.environ["PATH"]))
    return Shell({"PATH": path, "HOME": str(home), "KUBECONFIG": str(home / "none"), "LC_ALL": "C.UTF-8"}, tmp_path)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a lock among the workers of pytest-xdist."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def helm4_homes(tool: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The folders of a Helm 4 into which this very checkout was installed as a plugin, once for all workers."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
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


@pytest.fixture
def helm3(shell: Shell, tool: Callable[[str], Path]) -> Helm:
    return Helm(tool("helm3"), "sidecar-plugin", shell)


@pytest.fixture
def helm4(shell: Shell, tool: Callable[[str], Path], helm4_homes: Mapping[str, str]) -> Helm:
    return Helm(tool("helm4"), "sidecar", replace(shell, environment={**shell.environment, **helm4_homes}))


@pytest.fixture(params=["helm3", "helm4"])
def helm(request: pytest.FixtureRequest) -> Helm:
    """Each of the two Helms in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def cluster_of_1_28() -> Iterator[str]:
    """The address of an API server of 1.28, as ACK reports itself."""
    with cluster("v1.28.9-aliyun.1") as address:
        yield address
