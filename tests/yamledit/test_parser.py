"""The tree of a text is the same whichever way it is read: composed by libyaml, or built from its events."""

import contextlib
from typing import Any

import pytest
import yaml
from hypothesis import given, settings

from sidecar_plugin.errors import ManifestError
from sidecar_plugin.yamledit import libyaml
from sidecar_plugin.yamledit import parser as parsing
from sidecar_plugin.yamledit.documents import split
from sidecar_plugin.yamledit.extent import content_end
from sidecar_plugin.yamledit.libyaml import YAMLError
from sidecar_plugin.yamledit.nodes import Alias, Mapping, Node, ParseError, Scalar, Sequence
from sidecar_plugin.yamledit.source import Source
from tests.fuzz.manifests import stream
from tests.fuzz.mutations import mutate
from tests.support.strategies import manifest_texts


def seen(text: str, node: Node) -> Any:
    """Return all that the program looks at in a node and below it."""
    assert not isinstance(node, Alias)
    where = (node.start, content_end(text, node), node.tag, node.anchor)
    if isinstance(node, Scalar):
        return where, node.value, node.style
    bounds = (node.flow, node.first, node.column, node.end if node.flow else None)
    if isinstance(node, Mapping):
        return where, bounds, [(seen(text, key), seen(text, value)) for key, value in node.pairs]
    return where, bounds, [seen(text, item) for item in node.items]


def same_either_way(text: str) -> None:
    composed, built = parsing._compose(text), parsing._build(text)
    assert composed is not None
    assert (composed.root is None) == (built.root is None)
    assert not built.has_aliases
    if composed.root is not None and built.root is not None:
        assert seen(text, composed.root) == seen(text, built.root)


@settings(max_examples=300, deadline=None)
@given(manifest_texts())
def test_a_simple_document_reads_the_same_either_way(text: str) -> None:
    for document in split(Source("x", text)):
        if parsing._is_simple(document.text):
            same_either_way(document.text)


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
    ],
)
def test_an_odd_document_reads_the_same_either_way(text: str) -> None:
    same_either_way(text)


@pytest.mark.parametrize(
    "text",
    [
        "a: &x 1\n",
        "a: !!str 1\n",
        "&x a: 1\n",
        "[&x a]\n",
        "{'a':&x b}\n",
        "{a: b, [c]: d}\n",
        "{[c]}\n",
        "{ # why\n [c]}\n",
        "[a] : b\n",
        "? [a]\n: b\n",
        "?\n  - a\n",
        "[" * 1000,
        "- " * 1000,
        "? " * 1000,
        ": " * 2000,
    ],
)
def test_a_document_that_is_not_simple_is_built_from_events(text: str) -> None:
    assert not parsing._is_simple(text)


def test_levels_that_stand_in_lines_of_their_own_are_counted_by_the_room_they_need() -> None:
    deep = "".join(f"{' ' * level}a:\n" for level in range(parsing.MAX_DEPTH))
    assert not parsing._is_simple(deep)


def test_an_anchor_like_word_within_a_scalar_is_none() -> None:
    assert parsing._is_simple("command: a && b; echo hello! 'x&y'\n")


@pytest.mark.parametrize("text", ["a: [b, {c: d}]\n", "a: [\n", "a: *x\n", "a: 1\n--- 2\n"])
def test_pyyaml_has_its_own_nodes_again_afterwards(text: str) -> None:
    with contextlib.suppress(YAMLError):
        root = libyaml.compose(text, parsing._CLASSES)
        assert isinstance(root, Mapping)
        assert [type(value) for _, value in root.pairs] == [Sequence]
    node = yaml.compose("a: b", yaml.CSafeLoader)
    assert isinstance(node, yaml.MappingNode)
    assert isinstance(node.value[0][0], yaml.ScalarNode)


def depth(text: str) -> int:
    """Return how many collections are open at once in the text at the most, as its events tell."""
    get_event, deepest, now = libyaml.parser(text).get_event, 0, 0
    while (event := get_event()) is not None:
        now += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        deepest = max(deepest, now)
    return deepest


@pytest.mark.parametrize(
    "text",
    [
        "a:\n- - b:\n    - c:\n      - d\n",
        "- - - - a\n",
        "a:\r  b:\r    c: d\r",
        "a:\u2028  b:\u2028    c: d\u2028",
        "a: {b: [{c: {}}, [], {d: e}]}\n",
        '{"a": "}", "b": {"c": "]", "d": [{"e": 1}]}}',
        "[[[[[[[[{a: 1}]]]]]]]]\n",
        "[a: [b: {c: d}]]\n",
        "a: {# }\n  b: [c]}\n",
        "a: x[y\n",
    ],
)
def test_no_text_is_deeper_than_its_bound(text: str) -> None:
    assert depth(text) <= parsing._block_levels(text) + parsing._flow_levels(text)


@pytest.mark.parametrize("seed", range(0, 2000, 100))
def test_no_generated_text_is_deeper_than_its_bound(seed: int) -> None:
    for number in range(seed, seed + 100):
        with contextlib.suppress(YAMLError, ManifestError):
            for document in split(
                Source("x", mutate(stream(number).encode(), number).decode(errors="ignore").replace("\0", ""))
            ):
                assert depth(document.text) <= parsing._block_levels(document.text) + parsing._flow_levels(document.text)


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
    same = parsing._build(text).root
    assert same is not None
    assert seen(text, root) == seen(text, same)


@pytest.mark.parametrize("text", ["[" * 1001 + "]" * 1001, "{a: " * 1001 + "}" * 1001, '["", ' * 1001 + "]" * 1001])
def test_a_deep_one_is_refused(text: str) -> None:
    for read in (parsing.validate, parsing.parse):
        with pytest.raises(ParseError, match="nested more than 1000 levels deep"):
            read(text)


def test_a_binding_that_keeps_its_own_nodes_is_read_by_its_events(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: [b, {c: d}]\n"
    wanted = parsing.parse(text).root
    monkeypatch.setattr(parsing, "_CLASSES", {})  # as if PyYAML no longer looked its classes up by name
    assert parsing._compose(text) is None
    root = parsing.parse(text).root
    assert root is not None
    assert wanted is not None
    assert seen(text, root) == seen(text, wanted)
