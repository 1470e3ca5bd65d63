"""YAML text as a tree of nodes that know where in the text they stand.

libyaml (through PyYAML) does the parsing; nothing is resolved, constructed or expanded: a scalar stays its text, an alias
points at its anchor's node. libyaml is also what Go's yaml, and so kubectl, Helm and kustomize, were ported from, so what it
takes they take.

Nesting is bounded by MAX_DEPTH: libyaml's time grows with the square of the depth, and nobody writes such a manifest.
"""

from collections.abc import Iterator
from typing import TypeAlias

from sidecar_plugin import libyaml
from sidecar_plugin.errors import ManifestError
from sidecar_plugin.libyaml import Event, YAMLError

MAX_DEPTH = 1000
MERGE_KEY = "<<"
_BREAKS = "\n\r\x85\u2028\u2029"


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
    """A sequence; `column` is that of its dashes (block style), `first` the offset of its first dash or bracket."""

    __slots__ = ("anchor", "column", "end", "first", "flow", "items", "start", "tag")

    def __init__(self, flow: bool, tag: str | None, anchor: str | None, start: int, first: int, column: int) -> None:
        self.items: list[Node] = []
        self.flow = flow
        self.tag = tag
        self.anchor = anchor
        self.start = start
        self.first = first
        self.column = column
        self.end = start


class Mapping:
    """A mapping, its pairs in order; `column` is that of its keys (block style), `first` the offset of key or brace."""

    __slots__ = ("anchor", "column", "end", "first", "flow", "pairs", "start", "tag")

    def __init__(self, flow: bool, tag: str | None, anchor: str | None, start: int, first: int, column: int) -> None:
        self.pairs: list[tuple[Scalar, Node]] = []
        self.flow = flow
        self.tag = tag
        self.anchor = anchor
        self.start = start
        self.first = first
        self.column = column
        self.end = start

    def get(self, key: str) -> "Node | None":
        """Return the value of the last pair with that key (as Go and Python do), aliases followed; merges not seen."""
        for name, value in reversed(self.pairs):
            if name.value == key:
                return follow(value)
        return None

    def pair(self, key: str) -> "tuple[Scalar, Node] | None":
        """Return the last pair with that key, its value as written."""
        for pair in reversed(self.pairs):
            if pair[0].value == key:
                return pair
        return None


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
        return _build(text)
    except YAMLError as error:
        raise ParseError(*libyaml.problem(text, error)) from None


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
    content_end = 0  # where the last thing that is content ended: a block collection ends there
    node: Node
    while True:
        event = get_event()
        cls = event.__class__
        if cls is scalar_event:
            content_end = event.end_mark.index
            style = event.style
            if style == "|" or style == ">":
                content_end = _block_scalar_end(text, event.start_mark.index, content_end)
            node = Scalar(event.value, style or "", event.tag, event.anchor, event.start_mark.index, content_end)
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
            if container.flow and event.end_mark.index > event.start_mark.index:
                content_end = event.end_mark.index
            container.end = content_end
            container, key = open_containers.pop()
            continue
        elif cls is alias_event:
            target = anchors.get(event.anchor)
            if target is None:
                raise ParseError(f"the alias *{event.anchor} has no anchor before it", event.start_mark.index)
            content_end = event.end_mark.index
            node = Alias(target, event.start_mark.index, content_end)
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
            container.items.append(node)
        elif key is None:
            key = _as_key(node)
        else:
            container.pairs.append((key, node))
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


def _block_scalar_end(text: str, start: int, end: int) -> int:
    """Return where a block scalar's content ends: behind it only empty lines that say nothing were left out."""
    header_end = start
    while header_end < end and text[header_end] not in _BREAKS:
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
    while not isinstance(node, Scalar):
        if isinstance(node, Alias) or node.flow:
            return False
        children: list[Node] = node.items if isinstance(node, Sequence) else [value for _, value in node.pairs]
        if not children:
            return False
        node = children[-1]
    if node.style not in ("|", ">") or node.end != len(text) or text[-1:] in _BREAKS:
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
