"""The settings' patch of an agent's container."""

import time
from typing import Any

import pytest

from sidecar_plugin.agents.container_patch import patch_container
from sidecar_plugin.errors import SettingsError


def env(count: int, value: str) -> list[dict[str, Any]]:
    return [{"name": f"V{index}", "value": value} for index in range(count)]


def seconds(count: int) -> float:
    container = {"name": "a", "image": "x", "env": env(count, "old")}
    started = time.process_time()
    patched = patch_container(container, {"env": env(count, "new")})
    assert patched["env"] == env(count, "new")
    return time.process_time() - started


def test_a_patch_takes_time_in_proportion_to_its_size() -> None:
    seconds(10)  # imports
    assert min(seconds(1600) for _ in range(3)) < 5 * min(seconds(400) for _ in range(3)) + 0.2


@pytest.mark.parametrize("nulls", [{"env": None}, {"resources": {"limits": None}}])
def test_a_null_removes(nulls: dict[str, Any]) -> None:
    container = {"name": "a", "image": "x", "env": env(1, "v"), "resources": {"limits": {"cpu": "1"}}}
    patched = patch_container(container, nulls)
    assert ("env" in patched) == ("env" not in nulls)
    assert patched["resources"] == ({} if "resources" in nulls else {"limits": {"cpu": "1"}})


def test_an_item_that_the_patch_names_twice_is_refused() -> None:
    with pytest.raises(SettingsError, match='"V0" twice'):
        patch_container({"name": "a", "image": "x", "env": env(1, "v")}, {"env": [*env(1, "a"), *env(1, "b")]})
