"""The container image, built once by tools/image/build, and podman to run it, in a storage that goes with the tests."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.real_tools import ROOT

IMAGE = "localhost/sidecar-plugin:tested"
RUN = ("run", "--rm", "--interactive", "--network=none", "--read-only", "--read-only-tmpfs=false", "--pull=never")
# Limits and cgroups as they can be had inside another container too.
CONFIGURATION = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "none"
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.image)


@dataclass(frozen=True, slots=True)
class Podman:
    """Runs podman on the storage that has the image."""

    environment: dict[str, str]

    def run(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a podman command, to whatever end."""
        return subprocess.run(
            ["podman", *words], input=stdin, env=self.environment, capture_output=True, text=True, check=False, timeout=120
        )

    def output(self, *words: str, stdin: str = "") -> str:
        """Run a podman command that has to succeed, and return its standard output."""
        done = self.run(*words, stdin=stdin)
        assert done.returncode == 0, f"podman {' '.join(words)}\n{done.stderr}"
        return done.stdout

    def shell(self, script: str) -> str:
        """Run a script inside a container of the image, and return its standard output."""
        return self.output(*RUN, "--entrypoint=sh", IMAGE, "-c", script)


@pytest.fixture(scope="session")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    """A podman that has the image of this checkout and no other."""
    folder = tmp_path_factory.mktemp("containers")
    (folder / "containers.conf").write_text(CONFIGURATION)
    storage = f'[storage]\ngraphroot = "{folder}/storage"\nrunroot = "{folder}/run"\n'
    (folder / "storage.conf").write_text(storage)
    environment = {
        **os.environ,
        "CONTAINERS_CONF": str(folder / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
    }
    build = [ROOT / "tools" / "image" / "build", "--from-packages", IMAGE]
    done = subprocess.run(build, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(f"tools/image/build --from-packages\n{done.stdout}{done.stderr}", pytrace=False)
    yield Podman(environment)
    subprocess.run(["podman", "rmi", "--all", "--force"], env=environment, capture_output=True, check=False)
    shutil.rmtree(folder / "storage", ignore_errors=True)
