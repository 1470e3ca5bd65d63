"""Values are compared as YAML and JSON have them, not as Python does."""

from typing import Any

import pytest

from sidecar_plugin.yamledit.equality import same_data

DIFFERENT: list[Any] = [
    True,
    False,
    None,
    0,
    1,
    1.0,
    0.0,
    -0.0,
    "",
    "1",
    "true",
    [],
    {},
    [1],
    [1.0],
    [True],
    {"a": 1},
    {"a": True},
]


@pytest.mark.parametrize("left", DIFFERENT, ids=repr)
def test_values_of_different_types_differ(left: Any) -> None:
    assert [repr(right) for right in DIFFERENT if same_data(left, right)] == [repr(left)]


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ({"a": 1, "b": [{"c": 2, "d": 3}]}, {"b": [{"d": 3, "c": 2}], "a": 1}, True),
        ({"a": {"b": 1}}, {"a": {"b": True}}, False),
        ({"a": 1}, {"a": 1, "b": None}, False),
        ({"a": None}, {"b": None}, False),
        ([1, 2], [2, 1], False),
        ([1], [1, 2], False),
        (({"a": 1}, [2]), ({"a": 1}, [2]), True),
    ],
)
def test_maps_are_equal_in_any_order_and_lists_in_the_same(left: Any, right: Any, same: bool) -> None:
    assert same_data(left, right) is same
    assert same_data(right, left) is same
