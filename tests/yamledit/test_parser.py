"""The tree of a text, held against what PyYAML composes of it, and the bound of its depth."""

import contextlib
from typing import Any

import pytest
import yaml
from hypothesis import given, settings

from sidecar_plugin.errors import ManifestError
from sidecar_plugin.yamledit import libyaml
from sidecar_plugin.yamledit import parser as parsing
from sidecar_plugin.yamledit.documents import split
from sidecar_plugin.yamledit.libyaml import YAMLError
from sidecar_plugin.yamledit.nodes import Alias, Mapping, Node, ParseError, Scalar, Sequence
from sidecar_plugin.yamledit.source import Source
from tests.fuzz.manifests import stream
from tests.fuzz.mutations import mutate
from tests.support.strategies import manifest_texts


def ours(node: Node) -> Any:
    """Return a node and all below it, as far as PyYAML's nodes tell the same."""
    assert not isinstance(node, Alias)
    if isinstance(node, Scalar):
        return node.start, node.end, node.value, node.style
    if isinstance(node, Mapping):
        return node.start, node.flow, [(ours(key), ours(value)) for key, value in node.pairs]
    return node.start, node.flow, [ours(item) for item in node.items]


def theirs(node: yaml.Node) -> Any:
    """Return the same of a node of PyYAML's."""
    if isinstance(node, yaml.ScalarNode):
        return node.start_mark.index, node.end_mark.index, node.value, node.style or ""
    if isinstance(node, yaml.MappingNode):
        return node.start_mark.index, bool(node.flow_style), [(theirs(key), theirs(value)) for key, value in node.value]
    assert isinstance(node, yaml.SequenceNode)
    return node.start_mark.index, bool(node.flow_style), [theirs(item) for item in node.value]


def read_as_pyyaml_does(text: str) -> None:
    root, composed = parsing.parse(text).root, yaml.compose(text, yaml.CBaseLoader)
    if root is None:
        assert composed is None or composed.value == ""  # `---` and nothing behind it
    else:
        assert ours(root) == theirs(composed)


@settings(deadline=None)
@given(manifest_texts())
def test_a_document_reads_as_pyyaml_composes_it(text: str) -> None:
    for document in split(Source("x", text)):
        if "*" not in document.text:  # PyYAML gives the node itself for an alias of it
            read_as_pyyaml_does(document.text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment\n",
        "--- # nothing\n",
        "---\n...\n",
        "''\n",
        "a:\nb: \n",
        "a:\n- b\n-\n",
        "a: [b: c , d]\n",
        "a: [x: [1, 2] , {}]\n",
        "- - - a\n  - b\n",
        "a: |+\n  b\n\n\n",
        "a: >-\n  b\n\n\nc: 'x\n\n  y'\n",
        "? a\n: b\n",
        "{'a':b, c: ,'d':e}\n",
        "{a, b: [], c: {d}}\n",
        "é: ü\n😀: [x]\n",
        "command: a && b; echo hello! 'x&y'\n",
        "a: &x 1\nb: !!str 1\n",
        "a: [b, {c: d}]\n",
    ],
)
def test_an_odd_document_reads_as_pyyaml_composes_it(text: str) -> None:
    read_as_pyyaml_does(text)


@pytest.mark.parametrize("text", ["{a: b, [c]: d}\n", "{[c]}\n", "{ # why\n [c]}\n", "[a] : b\n", "? [a]\n: b\n", "?\n  - a\n"])
def test_a_key_that_is_no_scalar_is_refused(text: str) -> None:
    with pytest.raises(ParseError, match="key must be a string"):
        parsing.parse(text)


def flow_depth(text: str) -> int:
    """Return how many flow collections are open at once in the text at the most, as its events tell."""
    get_event, deepest, is_flow = libyaml.parser(text).get_event, 0, list[bool]()
    while (event := get_event()) is not None:
        if isinstance(event, yaml.CollectionStartEvent):
            is_flow.append(bool(event.flow_style))
            deepest = max(deepest, sum(is_flow))
        elif isinstance(event, yaml.CollectionEndEvent):
            is_flow.pop()
    return deepest


@pytest.mark.parametrize(
    "text",
    [
        "a: {b: [{c: {}}, [], {d: e}]}\n",
        '{"a": "}", "b": {"c": "]", "d": [{"e": 1}]}}',
        "[[[[[[[[{a: 1}]]]]]]]]\n",
        "[a, {b: {c: d}}]\n",
        "a: {# }\n  b: [c]}\n",
        "a: x[y\n",
    ],
)
def test_no_flow_collection_is_deeper_than_its_bound(text: str) -> None:
    assert flow_depth(text) <= parsing._flow_levels(text)


@pytest.mark.parametrize("seed", range(0, 2000, 100))
def test_no_flow_collection_of_a_generated_text_is_deeper_than_its_bound(seed: int) -> None:
    for number in range(seed, seed + 100):
        with contextlib.suppress(YAMLError, ManifestError):
            text = mutate(stream(number).encode(), number).decode(errors="ignore").replace("\0", "")
            for document in split(Source("x", text)):
                assert flow_depth(document.text) <= parsing._flow_levels(document.text)


@pytest.mark.parametrize(
    "item",
    ["- {a: [], b: {c: d}}\n", '- {"a": [], "b": {"c": "d"}}\n', "- a:\n  - b: [c, {d: e}]\n"],
    ids=["innermost", "JSON", "block"],
)
def test_a_long_list_is_no_deep_one(item: str) -> None:
    text = item * 2000
    parsing.validate(text)
    root = parsing.parse(text).root
    assert isinstance(root, Sequence)
    assert len(root.items) == 2000


@pytest.mark.parametrize("text", ["[" * 1001 + "]" * 1001, "{a: " * 1001 + "}" * 1001, '["", ' * 1001 + "]" * 1001])
def test_a_deep_one_is_refused(text: str) -> None:
    for read in (parsing.validate, parsing.parse):
        with pytest.raises(ParseError, match="nested more than 1000 levels deep"):
            read(text)
