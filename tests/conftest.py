"""Settings of the whole test run.

HYPOTHESIS_PROFILE chooses how many cases a property test tries: `quick` 25 (`make check`), `default` 300 (`make test`), both
the same cases each time; `search` 3,000 and `long` 25,000 (an hour), new cases each time.
"""

import os
import shutil
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("quick", max_examples=25, derandomize=True, deadline=None)
settings.register_profile("default", max_examples=300, derandomize=True, deadline=None)
settings.register_profile("search", max_examples=3_000, deadline=None)
settings.register_profile("long", max_examples=25_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's job in the background; children would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # nohup
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

SLOW = (
    "tests/fuzz/", "tests/faults/", "tests/agent_programs/", "tests/agents/test_sandbox.py", "tests/agents/test_incremental.py",
    "tests/commands/from_daemonset/", "tests/frontends/test_terminal.py", "tests/kubernetes/test_kubernetes_schemas.py",
    "tests/project/test_faults_page.py", "tests/yamledit/test_yaml_test_suite.py",
)  # fmt: skip
"""Folders and modules whose tests take seconds each: `make check` leaves them out."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the slow tests, and leave out tests of a shell that is not installed, by name."""
    kept, left_out = [], []
    for item in items:
        if item.nodeid.startswith(SLOW):
            item.add_marker(pytest.mark.slow)
        shells = [marker.args[0] for marker in item.iter_markers("shell")]
        (kept if all(map(shutil.which, shells)) else left_out).append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        config.stash[LEFT_OUT] = [item.nodeid for item in left_out]
        items[:] = kept


LEFT_OUT = pytest.StashKey[list[str]]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for node_id in config.stash.get(LEFT_OUT, []):
        terminalreporter.write_line(f"left out, its shell is not installed: {node_id}")


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give the run a cache of its own: the user's could hide a mistake, and would be filled with the tests' results."""
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    yield
    if before is None:
        del os.environ["XDG_CACHE_HOME"]
    else:
        os.environ["XDG_CACHE_HOME"] = before
