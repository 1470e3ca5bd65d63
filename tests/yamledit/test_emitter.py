"""Text to insert says the same to every YAML reader."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from sidecar_plugin.yamledit.construct import to_data
from sidecar_plugin.yamledit.emitter import block, flow, scalar
from sidecar_plugin.yamledit.parser import parse

ODD = [
    "on",
    "1e3",
    "0777",
    "0o17",
    "12:34:56",
    "2001-01-01",
    "~",
    "=",
    "<<",
    "1.30",
    ".inf",
    "a: b",
    "# x",
    "- x",
    "x\n",
    "a\n\nb\n\n",
]
TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    [*ODD, "\tx\ny", "x\n \ny", "é", "a\r\nb", "a:b", "@x"]
)
LEAVES = TEXTS | st.booleans() | st.integers() | st.none()
DATA = st.recursive(
    LEAVES, lambda below: st.lists(below, max_size=4) | st.dictionaries(TEXTS, below, max_size=4), max_leaves=12
)


@given(st.dictionaries(TEXTS, DATA, min_size=1, max_size=3), st.integers(0, 6), st.sampled_from([0, 2]), st.booleans())
def test_block_text_reads_back_as_the_data(data: dict[str, Any], column: int, indent_lists: int, literal: bool) -> None:
    text = "root:\n" + "\n".join(block({"key": data}, column + 2, indent_lists, literal)) + "\n"
    assert yaml.load(text, yaml.CSafeLoader)["root"]["key"] == data
    root = parse(text).root
    assert root is not None
    assert to_data(root)["root"]["key"] == data


@given(DATA)
def test_flow_text_is_json_and_yaml(data: Any) -> None:
    assert json.loads(flow(data)) == data
    assert yaml.load(f"[{flow(data)}]", yaml.CSafeLoader) == [data]


@pytest.mark.parametrize(
    "word", [*ODD, "yes", "No", "NULL", "nan", "y", "0x1f", "1_000", "+1", "-", "?", "true", "", " x", "x ", "a #b"]
)
@pytest.mark.parametrize("version", [(1, 1), (1, 2)])
def test_a_string_stays_a_string_in_yaml_1_1_and_1_2(word: str, version: tuple[int, int]) -> None:
    reader = YAML(typ="safe", pure=True)
    reader.version = version
    assert reader.load(f"x: {scalar(word)}\n") == {"x": word}
