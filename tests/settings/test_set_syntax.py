"""Values merge and `--set` reads as Helm does."""

from typing import Any

import pytest

from sidecar_plugin.errors import SettingsError
from sidecar_plugin.settings.merge import layer, merge
from sidecar_plugin.settings.set_syntax import parse_set


@pytest.mark.parametrize(
    ("base", "override", "merged"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}}, {"a": {"x": 1, "y": 3}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({"a": {"x": 1}}, {"a": {"x": None}}, {"a": {}}),
        ({"a": 1}, {"a": {"x": 1}}, {"a": {"x": 1}}),
        ({"a": {"x": 1}}, {"a": 1}, {"a": 1}),
        ({}, {"a": {"x": None, "y": 1}}, {"a": {"y": 1}}),
    ],
)
def test_merge(base: dict[str, Any], override: dict[str, Any], merged: dict[str, Any]) -> None:
    assert merge(base, override) == merged


def test_a_layer_keeps_nulls_for_the_defaults_below() -> None:
    assert merge({"x": 1, "y": 1}, layer({"y": 2}, {"x": None})) == {"y": 2}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a.b=c", {"a": {"b": "c"}}),
        ("a=1,b=true,c=null,d=false", {"a": 1, "b": True, "c": None, "d": False}),
        ("clusterVersion=1.30", {"clusterVersion": "1.30"}),
        ("a={x,1}", {"a": ["x", 1]}),
        ("a={}", {"a": []}),
        ("a=", {"a": ""}),
        (r"a\.b=c\,d", {"a.b": "c,d"}),
        ("a[0].b=c,a[1].b=d", {"a": [{"b": "c"}, {"b": "d"}]}),
        ("a=b=c", {"a": "b=c"}),
        ("a.b=1,a.c=2", {"a": {"b": 1, "c": 2}}),
        ("a=007", {"a": "007"}),
    ],
)
def test_set(text: str, values: dict[str, Any]) -> None:
    assert parse_set(text) == values


@pytest.mark.parametrize("text", ["a", "=b", "a..b=1", ".a=1", "a.=1", "a[x]=1", "a={x", "a={x}y", "a[99999]=1", "a,b=1"])
def test_what_is_no_assignment_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="--set"):
        parse_set(text)
