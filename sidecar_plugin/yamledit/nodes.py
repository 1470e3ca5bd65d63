"""YAML text as a tree of nodes that know where in the text they stand: what `parsing` makes.

Nothing is resolved, constructed or expanded: a scalar stays its text, an alias points at its anchor's node. libyaml's composer
makes these nodes itself: their constructors take what it gives (tag, value, start and end mark, style).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

from sidecar_plugin.errors import ManifestError

if TYPE_CHECKING:
    from typing import Protocol

    class Mark(Protocol):
        """libyaml's: where a character stands."""

        index: int
        column: int


MERGE_KEY = "<<"


class ParseError(ManifestError):
    """Text that is not YAML; `offset` is where, counted from the start of the parsed text."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


class Scalar:
    """A scalar: `value` is its text, `style` one of "" (plain), ', ", | and >."""

    __slots__ = ("anchor", "end", "start", "style", "tag", "value")
    start_mark = None  # what the composer says in an error, which the events say better

    def __init__(self, tag: str | None, value: str, start: "Mark", end: "Mark", style: str | None) -> None:
        self.tag = tag
        self.value = value
        self.start = start.index
        self.end = end.index
        self.style = style or ""
        self.anchor: str | None = None


class _Collection:
    """What sequences and mappings have in common; `first` is the offset of the first dash, key or bracket."""

    __slots__ = ("anchor", "column", "end_mark", "first", "flow", "start", "tag")
    start_mark = None  # what the composer says in an error, which the events say better

    def __init__(self, tag: str | None, start: "Mark", end: "Mark", flow: Any) -> None:
        self.tag = tag
        self.start = start.index
        self.first = start.index
        self.column = start.column
        self.end_mark = end
        self.flow = bool(flow)
        self.anchor: str | None = None

    @property
    def end(self) -> int:
        """Where the closing bracket ends; of a block collection `content_end` tells where it ends."""
        return self.end_mark.index


class Sequence(_Collection):
    """A sequence, its items in order; `column` is that of its dashes (block style)."""

    __slots__ = ("items",)

    def __init__(self, tag: str | None, items: "list[Node]", start: "Mark", end: "Mark", flow: Any) -> None:
        super().__init__(tag, start, end, flow)
        self.items = items


class Mapping(_Collection):
    """A mapping, its pairs in order; `column` is that of its keys (block style)."""

    __slots__ = ("_by_key", "pairs")

    def __init__(self, tag: str | None, pairs: "list[tuple[Scalar, Node]]", start: "Mark", end: "Mark", flow: Any) -> None:
        super().__init__(tag, start, end, flow)
        self.pairs = pairs
        self._by_key: dict[str, tuple[Scalar, Node]] | None = None

    @property
    def has_key_twice(self) -> bool:
        """Whether a key stands in the mapping more than once."""
        return len(self._index()) < len(self.pairs)

    def get(self, key: str) -> "Target | None":
        """Return the value of the last pair with that key (as Go and Python do), aliases followed; merges not seen."""
        found = self.pair(key)
        return None if found is None else follow(found[1])

    def pair(self, key: str) -> "tuple[Scalar, Node] | None":
        """Return the last pair with that key, its value as written."""
        by_key = self._by_key
        return (self._index() if by_key is None else by_key).get(key)

    def _index(self) -> "dict[str, tuple[Scalar, Node]]":
        if self._by_key is None:
            self._by_key = {pair[0].value: pair for pair in self.pairs}
        return self._by_key


class Alias:
    """`*name`: stands for `target`."""

    __slots__ = ("end", "end_mark", "start", "start_mark", "target")

    def __init__(self, target: "Scalar | Sequence | Mapping", start: "Mark", end: "Mark") -> None:
        self.target = target
        self.start_mark = start
        self.end_mark = end
        self.start = start.index
        self.end = end.index


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


def as_key(node: Node) -> Scalar:
    """Return the scalar that a key is. Raises ParseError for a key that is no scalar."""
    target = follow(node)
    if not isinstance(target, Scalar):
        raise ParseError(f"a mapping's key must be a string, but is {kind_of(node)}", node.start)
    if isinstance(node, Alias):
        return Scalar(target.tag, target.value, node.start_mark, node.end_mark, target.style)
    return target


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
