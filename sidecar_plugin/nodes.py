"""YAML text as a tree of nodes that know where in the text they stand.

libyaml (through PyYAML) does the parsing; nothing is resolved, constructed or expanded: a scalar stays its text, an alias
points at its anchor's node. libyaml is also what Go's yaml, and so kubectl, Helm and kustomize, were ported from, so what it
takes they take. Most documents have no anchors and no tags: these libyaml composes, and a node is looked at only when somebody
asks for it. The others are built from libyaml's events.

Nesting is bounded by MAX_DEPTH: libyaml's time grows with the square of the depth, and nobody writes such a manifest.
"""

import math
import re
from collections.abc import Iterator
from typing import Any, TypeAlias

from sidecar_plugin import libyaml
from sidecar_plugin.errors import ManifestError
from sidecar_plugin.libyaml import Event, MappingNode, ScalarNode, YAMLError
from sidecar_plugin.lines import BREAKS

MAX_DEPTH = 1000
MERGE_KEY = "<<"
_BLOCK_STYLES = ("|", ">")
_PROPERTY = r"(?<![^\s\[\]{},:\"'\ufeff])(?:!|&[^\s&])"
_EXPLICIT_KEY = r"\?\s"
_COMPLEX_KEY = r"[{,\]}](?:(?<=[{,])\s*[{\[#]|(?<=[\]}])\s*:)"
_NESTING = ("[", "{", "- ", "-\t", "? ", "?\t", ": :", ":\t")


class ParseError(ManifestError):
    """Text that is not YAML; `offset` is where, counted from the start of the parsed text."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


class Scalar:
    """A scalar: `value` is its text, `style` one of "" (plain), ', ", | and >."""

    __slots__ = ("anchor", "end", "start", "style", "tag", "value")

    def __init__(self, value: str, style: str, tag: str | None, anchor: str | None, start: int, end: int) -> None:
        self.value = value
        self.style = style
        self.tag = tag
        self.anchor = anchor
        self.start = start
        self.end = end


class Sequence:
    """A sequence; `column` is that of its dashes (block style), `first` the offset of its first dash or bracket.

    `end` is the closing bracket's; of a block sequence `content_end` tells where it ends.
    """

    __slots__ = ("_composed", "_items", "anchor", "column", "end", "first", "flow", "start", "tag")

    def __init__(self, flow: bool, tag: str | None, anchor: str | None, start: int, first: int, column: int) -> None:
        self._items: list[Node] = []
        self._composed: list[Any] | None = None
        self.flow = flow
        self.tag = tag
        self.anchor = anchor
        self.start = start
        self.first = first
        self.column = column
        self.end = start

    @property
    def items(self) -> "list[Node]":
        """The items, in order."""
        if self._composed is not None:
            self._items = [_from_composed(item) for item in self._composed]
            self._composed = None
        return self._items


class Mapping:
    """A mapping, its pairs in order; `column` is that of its keys (block style), `first` the offset of key or brace.

    `end` is the closing brace's; of a block mapping `content_end` tells where it ends.
    """

    __slots__ = ("_by_key", "_composed", "_pairs", "anchor", "column", "end", "first", "flow", "start", "tag")

    def __init__(self, flow: bool, tag: str | None, anchor: str | None, start: int, first: int, column: int) -> None:
        self._pairs: list[tuple[Scalar, Node]] = []
        self._composed: list[tuple[Any, Any]] | None = None
        self._by_key: dict[str, tuple[Scalar, Node]] | None = None
        self.flow = flow
        self.tag = tag
        self.anchor = anchor
        self.start = start
        self.first = first
        self.column = column
        self.end = start

    @property
    def pairs(self) -> "list[tuple[Scalar, Node]]":
        """The pairs of key and value, in order."""
        if self._composed is not None:
            self._pairs = [(_as_key(_from_composed(key)), _from_composed(value)) for key, value in self._composed]
            self._composed = None
        return self._pairs

    @property
    def has_key_twice(self) -> bool:
        """Whether a key stands in the mapping more than once."""
        pairs = self.pairs
        return len(self._index(pairs)) < len(pairs)

    def get(self, key: str) -> "Target | None":
        """Return the value of the last pair with that key (as Go and Python do), aliases followed; merges not seen."""
        found = self.pair(key)
        return None if found is None else follow(found[1])

    def pair(self, key: str) -> "tuple[Scalar, Node] | None":
        """Return the last pair with that key, its value as written."""
        by_key = self._by_key
        return (self._index(self.pairs) if by_key is None else by_key).get(key)

    def _index(self, pairs: "list[tuple[Scalar, Node]]") -> "dict[str, tuple[Scalar, Node]]":
        if self._by_key is None:
            self._by_key = {pair[0].value: pair for pair in pairs}
        return self._by_key


class Alias:
    """`*name`: stands for `target`."""

    __slots__ = ("end", "start", "target")

    def __init__(self, target: "Scalar | Sequence | Mapping", start: int, end: int) -> None:
        self.target = target
        self.start = start
        self.end = end


Node: TypeAlias = Scalar | Sequence | Mapping | Alias
Target: TypeAlias = Scalar | Sequence | Mapping


class Tree:
    """The one document of a text: its root (None if there is none) and whether aliases occur in it."""

    __slots__ = ("has_aliases", "root")

    def __init__(self, root: Target | None, has_aliases: bool) -> None:
        self.root = root
        self.has_aliases = has_aliases


def follow(node: Node) -> Target:
    """Return the node that an alias stands for, any other node as it is."""
    return node.target if isinstance(node, Alias) else node


def kind_of(node: Node) -> str:
    """Return what a message calls the node."""
    node = follow(node)
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    return "null" if is_null(node) else f'the scalar "{node.value[:40]}"'


def is_null(node: Node) -> bool:
    """Say whether YAML 1.1 and 1.2 both read the node as null."""
    return isinstance(node, Scalar) and not node.style and node.tag is None and node.value in ("", "~", "null", "Null", "NULL")


def validate(text: str) -> None:
    """Raise ParseError if `text`, one document, is not YAML; build nothing."""
    if text.count("[") + text.count("{") > MAX_DEPTH:
        parse(text)
        return
    try:
        libyaml.parser(text).raw_parse()
    except YAMLError as error:
        raise ParseError(*libyaml.problem(text, error)) from None


def parse(text: str) -> Tree:
    """Return the tree of `text`, which holds at most one document.

    Raises ParseError for text that is not YAML, an alias without anchor, a key that is no scalar, or more than
    MAX_DEPTH levels.
    """
    try:
        if _is_simple(text):
            try:
                return _compose(text)
            except YAMLError:
                pass  # an alias, or no YAML: said by the events
        return _build(text)
    except YAMLError as error:
        raise ParseError(*libyaml.problem(text, error)) from None


def may_hold_complex_key(text: str) -> bool:
    """Say whether a key that is no scalar can stand in `text`. Such a key is written `? KEY`, is a flow collection before a
    colon, or one behind a brace or comma."""
    return ("?" in text and re.search(_EXPLICIT_KEY, text) is not None) or (
        ("{" in text or "[" in text) and re.search(_COMPLEX_KEY, text) is not None
    )


def _is_simple(text: str) -> bool:
    """Say whether `_compose` can read `text`: nothing in it has an anchor or a tag, and it is not nested too deep."""
    if ("&" in text or "!" in text) and re.search(_PROPERTY, text):
        return False
    # Levels that need no line of their own are told by their indicators; each of the others is indented further.
    levels = sum(map(text.count, _NESTING)) + math.isqrt(2 * len(text))
    return levels < MAX_DEPTH and not may_hold_complex_key(text)


def _compose(text: str) -> Tree:
    """Return the tree as libyaml composes it: twice as fast as from its events, and nodes that nobody looks at stay as they
    are."""
    composed = libyaml.compose(text)
    if composed is None or composed.start_mark.index == composed.end_mark.index:
        return Tree(None, False)  # nothing, or `---` and nothing behind it
    root = _from_composed(composed)
    return Tree(root, False)


def _from_composed(composed: Any) -> "Target":
    start = composed.start_mark
    if composed.__class__ is ScalarNode:
        return Scalar(composed.value, composed.style or "", None, None, start.index, composed.end_mark.index)
    index = start.index
    node: Sequence | Mapping
    if composed.__class__ is MappingNode:
        node = Mapping(bool(composed.flow_style), None, None, index, index, start.column)
    else:
        node = Sequence(bool(composed.flow_style), None, None, index, index, start.column)
    node._composed = composed.value
    node.end = composed.end_mark.index
    return node


def _build(text: str) -> Tree:
    scalar_event, alias_event = Event.ScalarEvent, Event.AliasEvent
    mapping_start, mapping_end = Event.MappingStartEvent, Event.MappingEndEvent
    sequence_start, sequence_end = Event.SequenceStartEvent, Event.SequenceEndEvent
    get_event = libyaml.parser(text).get_event
    anchors: dict[str, Target] = {}
    has_aliases = False
    root: Target | None = None
    container: Sequence | Mapping | None = None
    key: Scalar | None = None
    open_containers: list[tuple[Sequence | Mapping | None, Scalar | None]] = []
    node: Node
    while True:
        event = get_event()
        cls = event.__class__
        if cls is scalar_event:
            style = event.style
            node = Scalar(event.value, style or "", event.tag, event.anchor, event.start_mark.index, event.end_mark.index)
            if event.anchor is not None:
                anchors[event.anchor] = node
        elif cls is mapping_start or cls is sequence_start:
            start, end_mark = event.start_mark.index, event.end_mark
            first, column = end_mark.index, end_mark.column
            if event.flow_style:
                if first > start:  # the bracket; a pair in a flow list that needs no braces has no width
                    first, column = first - 1, column - 1
            elif cls is sequence_start and first > start and text[first - 1] == "-":
                first, column = first - 1, column - 1  # dashes in the column of the key: the event ends after the dash
            build = Mapping if cls is mapping_start else Sequence
            node = build(bool(event.flow_style), event.tag, event.anchor, start, first, column)
            if event.anchor is not None:
                anchors[event.anchor] = node
            if len(open_containers) >= MAX_DEPTH:
                raise ParseError(f"nested more than {MAX_DEPTH} levels deep", start)
        elif cls is mapping_end or cls is sequence_end:
            assert container is not None
            container.end = event.end_mark.index
            container, key = open_containers.pop()
            continue
        elif cls is alias_event:
            target = anchors.get(event.anchor)
            if target is None:
                raise ParseError(f"the alias *{event.anchor} has no anchor before it", event.start_mark.index)
            node = Alias(target, event.start_mark.index, event.end_mark.index)
            has_aliases = True
        elif event is None:
            return Tree(root, has_aliases)
        else:
            continue

        if container is None:
            if root is not None:
                raise ParseError("a second document where one was expected", node.start)
            if cls is scalar_event and not style and not event.value and node.end == node.start:
                continue  # `---` and nothing behind it
            root = follow(node)  # never an alias: nothing is anchored before the root
        elif isinstance(container, Sequence):
            container._items.append(node)
        elif key is None:
            key = _as_key(node)
        else:
            container._pairs.append((key, node))
            key = None
        if isinstance(node, (Mapping, Sequence)):
            open_containers.append((container, key))
            container, key = node, None


def _as_key(node: Node) -> Scalar:
    target = follow(node)
    if not isinstance(target, Scalar):
        raise ParseError(f"a mapping's key must be a string, but is {kind_of(node)}", node.start)
    if isinstance(node, Alias):
        return Scalar(target.value, target.style, target.tag, None, node.start, node.end)
    return target


def content_end(text: str, node: Node) -> int:
    """Return where the node's content ends in `text`: a block collection ends with the last thing in it."""
    node = _last_inside(text, node)
    if isinstance(node, Scalar) and node.style in _BLOCK_STYLES:
        return _block_scalar_end(text, node.start, node.end)
    return node.end


def _last_inside(text: str, node: Node) -> Node:
    """Return the node that the last of `node` stands in: itself, unless it is a collection without brackets."""
    while isinstance(node, (Mapping, Sequence)) and not (node.flow and text[node.first] in "[{"):
        node = node.items[-1] if isinstance(node, Sequence) else node.pairs[-1][1]
    return node


def _block_scalar_end(text: str, start: int, end: int) -> int:
    """Return where a block scalar's content ends: behind it only empty lines that say nothing were left out."""
    header_end = start
    while header_end < end and text[header_end] not in BREAKS:
        header_end += 1
    header = text[start:header_end].split("#")[0]
    if "+" in header.rsplit("|" if "|" in header else ">", 1)[-1]:
        return end  # "keep": every line break is content
    while True:
        if text.endswith("\r\n\r\n", start, end):
            end -= 2
        elif text.endswith("\n\n", start, end):
            end -= 1
        else:
            return end


def has_clip_at_end(text: str, node: Node) -> bool:
    """Say whether the text ends, without a line break, in a block scalar that a line break would change."""
    node = _last_inside(text, node)
    if not isinstance(node, Scalar) or node.style not in _BLOCK_STYLES or node.end != len(text) or text[-1:] in BREAKS:
        return False
    header = text[node.start : node.end].splitlines()[0].split("#")[0]
    return "-" not in header.rsplit(node.style, 1)[-1]


def walk(root: Node) -> Iterator[Node]:
    """Yield every node below and including `root` as written, keys left out, aliases not followed."""
    waiting: list[Node] = [root]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, Sequence):
            waiting.extend(reversed(node.items))
        elif isinstance(node, Mapping):
            waiting.extend(value for _, value in reversed(node.pairs))
