"""A real API server and a real node, started by tools/cluster for the tests that ask for them, each shared by all workers."""

import fcntl
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / "tools" / "cluster"
KUBECTL = ROOT / "tools" / "bin" / "kubectl"
WORKER = os.environ.get("PYTEST_XDIST_WORKER")
WAIT = 40 * 60  # for other runs on this machine to be done with their node
names = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.cluster)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running API server, alone or with a node."""

    folder: Path

    @property
    def kubeconfig(self) -> Path:
        """The way in, as an administrator."""
        return self.folder / "kubeconfig"

    def run(self, *arguments: str | Path, stdin: str | bytes = b"") -> subprocess.CompletedProcess[str]:
        """Run kubectl with standard input, to whatever end."""
        text = stdin.decode() if isinstance(stdin, bytes) else stdin
        command = [KUBECTL, "--kubeconfig", self.kubeconfig, *arguments]
        return subprocess.run(command, input=text, capture_output=True, text=True, timeout=300, check=False)

    def kubectl(self, *arguments: str | Path, stdin: str | bytes = b"") -> str:
        """Run kubectl, which has to succeed, and return its standard output."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, f"kubectl {' '.join(map(str, arguments))}\n{done.stderr}{done.stdout}"
        return done.stdout

    def get(self, *arguments: str) -> Any:
        """Return what `kubectl get … -o json` gives."""
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def namespace(self) -> str:
        """Make a namespace that no other test has, and return its name."""
        name = f"test-{WORKER or 'gw'}-{next(names)}"
        self.kubectl("create", "namespace", name)
        return name

    def load_image(self, tag: str, *files: str) -> str:
        """Bring an image of busybox and files (`FILE=/PATH/IN/IMAGE`) to the node, and return the name that pods give it."""
        image = subprocess.run(
            [RECIPE / "image.py", *(word for file in files for word in ("--add", file)), tag], capture_output=True, check=True
        )
        subprocess.run(
            [RECIPE / "enter", self.folder, "ctr", "-n", "k8s.io", "image", "import", "-"], input=image.stdout, check=True
        )
        return f"docker.io/{tag}"


def up(folder: Path, *options: str, flags: tuple[str, ...] = ()) -> Cluster:
    """Run `tools/cluster/up` with its options and the API server's flags; all of it ends with this test run at the latest."""
    owner = os.getppid() if WORKER else os.getpid()
    command = [RECIPE / "up", *options, "--owner", str(owner), folder, *flags]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=WAIT, check=False)
    if done.returncode != 0:
        pytest.fail(f"{' '.join(map(str, command))}\n{done.stderr}", pytrace=False)
    return Cluster(folder)


def down(folder: Path) -> None:
    """End what `up` started."""
    subprocess.run([RECIPE / "down", folder], check=True)


@contextmanager
def shared(folder: Path, *options: str) -> Iterator[Cluster]:
    """One for all workers: the first to come starts it, the last to leave ends it."""
    folder.mkdir(parents=True, exist_ok=True)
    state, users = folder / "state", folder / "users"

    @contextmanager
    def counted(step: int) -> Iterator[int]:
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            others = int(users.read_text()) if users.exists() else 0
            yield others + step
            users.write_text(str(others + step))

    with counted(+1) as number:
        if number == 1:
            up(state, *options)
    try:
        yield Cluster(state)
    finally:
        with counted(-1) as number:
            if number == 0:
                down(state)


def base_of(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that all workers of this run have in common."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if WORKER else base


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """An API server without nodes: it takes, checks and keeps objects, and nobody acts on them."""
    with shared(base_of(tmp_path_factory) / "api-server", "--api") as cluster:
        yield cluster


@pytest.fixture(scope="session")
def new_api_server(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., AbstractContextManager[Cluster]]:
    """Start an API server with flags of its own: `with new_api_server("--feature-gates=X=true") as cluster`."""

    @contextmanager
    def started(*flags: str) -> Iterator[Cluster]:
        folder = tmp_path_factory.mktemp("own-api-server")
        try:
            yield up(folder, "--api", flags=flags)
        finally:
            down(folder)

    return started


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A Kubernetes of one node, with `docker.io/local/busybox:1` on it."""
    with shared(base_of(tmp_path_factory) / "node") as cluster:
        yield cluster
