"""Fields of a manifest's mappings: the value that holds for a key, merges seen, and fields of a type that is asked for."""

from typing import TypeVar

from sidecar_plugin.errors import ManifestError
from sidecar_plugin.yamledit.construct import DataError, merge_sources
from sidecar_plugin.yamledit.documents import Document
from sidecar_plugin.yamledit.libyaml import MAX_DEPTH
from sidecar_plugin.yamledit.nodes import MERGE_KEY, Mapping, Node, Scalar, Sequence, Target, follow, is_null, kind_of

Shape = TypeVar("Shape", Mapping, Sequence)


def effective_pair(mapping: Mapping, key: str) -> tuple[Scalar, Node] | None:
    """Return the pair that holds for `key`: the mapping's own, else that of the mappings it merges (`<<`)."""
    found = mapping.pair(key)
    if found is not None or mapping.pair(MERGE_KEY) is None:
        return found
    return _merged_pair(mapping, key, set())


def _merged_pair(mapping: Mapping, key: str, seen: set[int]) -> tuple[Scalar, Node] | None:
    """Look in each mapping once, however often and however deep it is merged, into itself too."""
    if id(mapping) in seen or len(seen) > MAX_DEPTH:
        return None
    seen.add(id(mapping))
    found, merge = mapping.pair(key), mapping.pair(MERGE_KEY)
    if found is not None or merge is None or merge[0].style:
        return found
    try:
        sources = merge_sources(merge[1])
    except DataError:
        return None  # a "<<" that merges nothing is a key like any other
    return next((found for source in sources if (found := _merged_pair(source, key, seen))), None)


def scalar_text(node: Node, key: str) -> str | None:
    """Return the text of a mapping's scalar field, None if there is no such field."""
    pair = effective_pair(node, key) if isinstance(node, Mapping) else None
    value = follow(pair[1]) if pair else None
    return value.value if isinstance(value, Scalar) else None


def value_at(node: Node | None, *path: str) -> Target | None:
    """Return the value at a path of keys, aliases and merge keys followed; None if there is none."""
    for key in path:
        target = follow(node) if node is not None else None
        pair = effective_pair(target, key) if isinstance(target, Mapping) else None
        if pair is None:
            return None
        node = pair[1]
    return follow(node) if node is not None else None


def text_at(node: Node | None, *path: str) -> str:
    """Return the text of the scalar at a path, "" if there is none."""
    found = value_at(node, *path)
    return found.value if isinstance(found, Scalar) else ""


def items_at(node: Node | None, *path: str) -> list[Node]:
    """Return the items of the list at a path, [] if there is no list."""
    found = value_at(node, *path)
    return found.items if isinstance(found, Sequence) else []


def check_once(document: Document, mapping: Mapping, key: str, path: str) -> None:
    """Raise ManifestError if `key`, which decides something, stands twice in the mapping: which one is meant?"""
    if not mapping.has_key_twice:
        return
    names = [name for name, _ in mapping.pairs if name.value == key]
    if len(names) > 1:
        line = document.place(names[0].start).line
        message = f'the key "{key}" stands twice (first in line {line}); keep one'
        raise ManifestError(message, document.place(names[1].start), path + key)


class FieldReader:
    """Reads fields of a document, strict about their types."""

    __slots__ = ("document",)

    def __init__(self, document: Document) -> None:
        self.document = document

    def error(self, message: str, node: Node, field: str) -> ManifestError:
        return ManifestError(message, self.document.place(node.start), field)

    def field(self, mapping: Mapping, key: str, path: str) -> Node | None:
        check_once(self.document, mapping, key, path)
        found = effective_pair(mapping, key)
        return None if found is None or is_null(follow(found[1])) else found[1]

    def mapping(self, mapping: Mapping, key: str, path: str) -> Mapping | None:
        return self._of(Mapping, "mapping", mapping, key, path)

    def sequence(self, mapping: Mapping, key: str, path: str) -> Sequence | None:
        return self._of(Sequence, "list", mapping, key, path)

    def _of(self, cls: type[Shape], name: str, mapping: Mapping, key: str, path: str) -> Shape | None:
        node = self.field(mapping, key, path)
        if node is None:
            return None
        target = follow(node)
        if not isinstance(target, cls):
            raise self.error(f"must be a {name}, but is {kind_of(node)}", node, path + key)
        return target

    def optional_text(self, mapping: Mapping, key: str, path: str) -> str:
        """Return a scalar field's text; "" where it is missing or something else (then it is no workload of ours)."""
        found = effective_pair(mapping, key)
        target = follow(found[1]) if found else None
        if not isinstance(target, Scalar):
            return ""
        if key in ("kind", "apiVersion"):
            self.field(mapping, key, path)
        return target.value

    def strings(self, metadata: Mapping, key: str) -> dict[str, str]:
        """Return labels or annotations; what is no mapping of strings is left to the API server to refuse."""
        found = effective_pair(metadata, key)
        target = follow(found[1]) if found else None
        if not isinstance(target, Mapping):
            return {}
        values = ((name.value, follow(value)) for name, value in target.pairs)
        return {name: value.value for name, value in values if isinstance(value, Scalar)}


def lookup(root: Node, path: "tuple[str | int, ...] | list[str | int]") -> tuple[Node, bool]:
    """Return the node at `path` below `root` and True, or the deepest one there is on the way and False."""
    node = root
    for step in path:
        target = follow(node)
        if isinstance(target, Mapping) and (pair := target.pair(str(step))):
            node = pair[1]
        elif isinstance(target, Sequence) and isinstance(step, int) and step < len(target.items):
            node = target.items[step]
        else:
            return node, False
    return node, True


def key_place(root: Node, path: "tuple[str | int, ...] | list[str | int]", key: str) -> int:
    """Return the offset of `key` in the mapping at `path`, or of the nearest thing there is."""
    node, _ = lookup(root, path)
    target = follow(node)
    pair = target.pair(key) if isinstance(target, Mapping) else None
    return pair[0].start if pair else node.start
