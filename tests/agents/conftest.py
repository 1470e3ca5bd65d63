"""Settings of the tests of agents."""

from collections.abc import Iterator

import pytest

from sidecar_plugin.agents import sandbox_process


@pytest.fixture(autouse=True)
def own_templates() -> Iterator[None]:
    """End the process of the templates, so that each test has the time of a whole run."""
    yield
    sandbox_process.new_run()
