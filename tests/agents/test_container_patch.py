"""The settings' patch of an agent's container."""

import random
import time
from typing import Any

import jsonmerge
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


@pytest.mark.parametrize("name", ["A%41", "a/b", "a~1b", "#", "::error::x"])
def test_items_of_any_name_are_merged_by_it(name: str) -> None:
    base = {"name": "a", "image": "x", "env": [{"name": name, "value": "old"}]}
    patch = {"env": [{"name": name, "value": "new"}, {"name": "B", "value": "b"}]}
    assert patch_container(base, patch) == {**base, **patch}


@pytest.mark.parametrize("key", ["", "A%41", "a/b"])
def test_a_key_that_no_container_has_is_named(key: str) -> None:
    with pytest.raises(SettingsError, match=f'unknown key "{key}"'):
        patch_container({"name": "a", "image": "x"}, {key: 1})


def test_patches_merge_as_jsonmerge_merges_them() -> None:
    draw = random.Random(0)
    strategy = {"mergeStrategy": "arrayMergeById", "mergeOptions": {"idRef": "name"}}
    schema = {"properties": dict.fromkeys(("env", "volumeMounts"), strategy)}
    for _number in range(200):
        base, patch = ({"name": "a", "image": "x", **drawn(draw)} for _ in range(2))
        assert patch_container(base, patch) == jsonmerge.merge(base, patch, schema)


def drawn(draw: random.Random) -> dict[str, Any]:
    """Return some fields of a container."""
    names = draw.sample("ABCD", draw.randrange(1, 4))
    return {
        "env": [{"name": name, "value": draw.choice("xyz")} for name in names],
        "args": draw.sample(["a", "b", "c"], 2),
        "resources": {"limits": {draw.choice(("cpu", "memory")): draw.choice("123")}},
        "volumeMounts": [{"name": name.lower(), "mountPath": f"/{name}"} for name in names],
    }
