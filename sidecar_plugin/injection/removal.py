"""What is removed from a document: decided on its nodes, removed from its text, and compared with the result."""

from typing import Any

from sidecar_plugin.yamledit.documents import Edit, Span
from sidecar_plugin.yamledit.nodes import Alias, Mapping, Node, Scalar, Sequence, is_null
from sidecar_plugin.yamledit.parser import parse
from sidecar_plugin.yamledit.removal import join_spans, span_of_comment_mark, span_of_items, span_of_more, span_of_pairs

EMPTY = ("empty",)
"""Null, and a list or mapping without items: what is left where everything was removed."""
_DEEPEST = 400  # levels of a document with an injection; Kubernetes' own objects are some twenty levels deep


class Gone:
    """What is removed: pairs of mappings and items of lists by their index, spans of scalars; and scalars put back."""

    __slots__ = ("_items", "_pairs", "emptied", "more", "put_back")

    def __init__(self) -> None:
        self._pairs: dict[int, tuple[Mapping, set[int]]] = {}
        self._items: dict[int, tuple[Sequence, set[int]]] = {}
        self.emptied: dict[int, Scalar] = {}  # keys whose values become null again, by the id of the value
        self.more: dict[int, tuple[Scalar, str]] = {}
        self.put_back: dict[int, tuple[Scalar, str]] = {}  # scalars that we wrote, and the text that stood there, by their id

    @property
    def is_empty(self) -> bool:
        """Whether nothing is removed."""
        return not (self._pairs or self._items or self.emptied or self.more or self.put_back)

    def add_pairs(self, mapping: Mapping, indexes: set[int]) -> None:
        """Remove the pairs of those indexes."""
        if indexes:
            self._pairs.setdefault(id(mapping), (mapping, set()))[1].update(indexes)

    def add_items(self, sequence: Sequence, indexes: set[int]) -> None:
        """Remove the items of those indexes."""
        if indexes:
            self._items.setdefault(id(sequence), (sequence, set()))[1].update(indexes)

    def edits(self, text: str) -> list[Edit]:
        """Return what is changed in the text, sorted."""
        removed = [Edit(start, end, "") for start, end in join_spans(text, self._spans(text))]
        return sorted([*removed, *(Edit(scalar.start, scalar.end, before) for scalar, before in self.put_back.values())])

    def _spans(self, text: str) -> list[Span]:
        spans: list[Span] = []
        for mapping, indexes in self._pairs.values():
            spans += span_of_pairs(text, mapping, indexes)
        for sequence, indexes in self._items.values():
            spans += span_of_items(text, sequence, indexes)
        for key in self.emptied.values():
            spans += span_of_comment_mark(text, key)
        for scalar, more in self.more.values():
            spans += span_of_more(text, scalar, more)
        return spans

    def content(self, node: Node, depth: int = 0) -> Any:
        """Return what the node means without what is gone, comparable between two texts. Raises RecursionError."""
        if depth > _DEEPEST:
            raise RecursionError
        if isinstance(node, Alias):
            return ("alias", node.target.anchor)
        if id(node) in self.emptied or is_null(node):
            return EMPTY
        if isinstance(node, Scalar):
            if id(node) in self.put_back:
                before = parse(self.put_back[id(node)][1]).root
                return EMPTY if before is None else self.content(before, depth + 1)
            value = node.value
            if id(node) in self.more:
                head, _, tail = value.rpartition(self.more[id(node)][1])
                value = head + tail
            return (value, bool(node.style), node.tag)
        if isinstance(node, Sequence):
            left_out = self._items.get(id(node), (node, set()))[1]
            items = tuple(self.content(item, depth + 1) for index, item in enumerate(node.items) if index not in left_out)
            return ("list", items) if items else EMPTY
        left_out = self._pairs.get(id(node), (node, set()))[1]
        pairs = tuple(
            (key.value, self.content(value, depth + 1))
            for index, (key, value) in enumerate(node.pairs)
            if index not in left_out
        )
        return ("mapping", pairs) if pairs else EMPTY
