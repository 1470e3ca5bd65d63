"""The real tools of tools/bin, each with homes of its own, and the program of the environment that runs the tests."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.discovery import cluster
from tests.support import real_tools
from tests.support.real_tools import PROGRAM, ROOT, TOOLS, Helm, Outcome, Shell

__all__ = ["EXAMPLES", "PROGRAM", "ROOT", "TOOLS", "Helm", "Outcome", "Shell"]
EXAMPLES = ROOT / "examples"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def tool() -> Callable[[str], Path]:
    """Return the path of a tool."""
    return real_tools.tool


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell whose home is empty and whose $PATH has the program and the real tools in front."""
    home = tmp_path / "home"
    home.mkdir()
    return Shell(real_tools.environment(home), tmp_path)


@pytest.fixture(scope="session")
def helm4_homes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The folders of a Helm 4 that has this very checkout as a plugin."""
    return real_tools.helm4_homes(real_tools.base_of(tmp_path_factory))


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
