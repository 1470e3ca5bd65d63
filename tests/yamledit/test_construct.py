"""Nodes as plain data: merge keys, and what is refused."""

from typing import Any

import pytest

from sidecar_plugin.yamledit.construct import DataError, to_data
from sidecar_plugin.yamledit.parser import parse


def data_of(text: str) -> Any:
    root = parse(text).root
    assert root is not None
    return to_data(root)


@pytest.mark.parametrize(
    ("merging", "data"),
    [
        ("{<<: *one}", {"a": 1, "b": 1}),
        ("{<<: *one, c: 3}", {"a": 1, "b": 1, "c": 3}),
        ("{a: 0, <<: *one}", {"a": 0, "b": 1}),
        ("{<<: [*one, *two]}", {"a": 1, "b": 1, "d": 2}),
        ("{<<: [*two, *one]}", {"a": 1, "b": 2, "d": 2}),
        ('{"<<": x}', {"<<": "x"}),
    ],
)
def test_a_merge_gives_what_the_mapping_does_not_have_itself(merging: str, data: dict[str, Any]) -> None:
    """The mapping's own keys win, then the first source (https://yaml.org/type/merge.html)."""
    text = f"one: &one {{a: 1, b: 1}}\ntwo: &two {{b: 2, d: 2}}\nresult: {merging}\n"
    assert data_of(text)["result"] == data


def test_a_key_that_stands_twice_is_refused_at_its_second_place() -> None:
    with pytest.raises(DataError, match="stands twice") as caught:
        data_of("a: 1\na: 2\n")
    assert caught.value.offset == 5
