"""Texts that differ in few lines as plain data: what an agent renders for one workload after another.

To read a rendering takes longer than to make it, and most of its lines are those of the rendering before. So a block collection
is cut where its entries begin, and only a piece that was not met before is read. Pieces stay in their columns, and one that is
YAML by itself leaves nothing open (no quote, no bracket, no key without its value), so side by side they mean what the whole
means (YAML 1.2.2, 8.2 "Block Collection Styles"). Whatever leaves a doubt is not read in pieces.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from sidecar_plugin.yamledit.construct import MAX_NODES, DataError, to_data
from sidecar_plugin.yamledit.nodes import ParseError
from sidecar_plugin.yamledit.parser import parse

MAX_KEPT = 1_000_000  # characters of pieces
_NOT_IN_PIECES = ("\t", "\r", "\x85", "\u2028", "\u2029", "\ufeff", "<<", "\n---", "\n...", "\n%")
_CONTENT = re.compile(r"^( *)([^ #\n])", re.MULTILINE)
_KEY_ALONE = re.compile(r"( *)([A-Za-z_][A-Za-z0-9_./-]{0,99}):\n")  # libyaml bounds a key, too
_COLLECTION = re.compile(r"(?: *(?:#.*)?\n)*( *)(- |[A-Za-z_][A-Za-z0-9_./-]{0,99}:[ \n])")
_ITEM = re.compile(r" *(-) +(?=[A-Za-z_][A-Za-z0-9_./-]{0,99}:[ \n])")
_STARTS = frozenset("-ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./\"'")


class _DoubtError(Exception):
    """Text that may mean something else in pieces, or that is no YAML."""


class Pieces:
    """Reads texts that differ in few lines."""

    __slots__ = ("_kept", "_known", "_new")

    def __init__(self) -> None:
        self._known: dict[tuple[int, str], Any] = {}
        self._kept = 0  # characters
        self._new = 0  # pieces that were not known

    def to_data(self, text: str) -> Any:
        """Return the collection in `text` as `plain_data.to_data` does, parts of it shared with what was returned before: do
        not change them. Return None for text that has to be read whole, as has all that is wrong."""
        if len(text) >= MAX_NODES or any(map(f"\n{text}".__contains__, _NOT_IN_PIECES)):
            return None
        if self._kept >= MAX_KEPT:
            self._known.clear()
            self._kept = 0
        try:
            return self._collection(text, 0)
        except (_DoubtError, ParseError, DataError):
            return None

    def _collection(self, text: str, depth: int) -> Any:
        """Return the mapping or list in `text`, which is that many levels deep."""
        known = self._known.get((depth, text))
        if known is not None:
            return known
        first = _CONTENT.search(text)
        if first is None:
            raise _DoubtError
        new = self._new
        data = (self._items if first[2] == "-" else self._entries)(text, first, depth)
        if self._new == new:  # else it holds what was never there before, and will hardly come again
            self._keep(text, depth, data)
        return data

    def _entries(self, text: str, first: re.Match[str], depth: int) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for piece in _cut(text, first, _starts(len(first[1]))):
            known: dict[str, Any] | None = self._known.get((depth, piece))
            entry = self._entry(piece, depth) if known is None else known
            count = len(data) + len(entry)
            data.update(entry)
            if len(data) < count:
                raise _DoubtError  # a key that stands twice
        return data

    def _entry(self, piece: str, depth: int) -> dict[str, Any]:
        header = _KEY_ALONE.match(piece)
        if header and (below := _COLLECTION.match(piece, header.end())):
            deeper = len(below[1]) - len(header[1])
            if deeper > 0 or (deeper == 0 and below[2] == "- "):
                return {header[2]: self._collection(piece[header.end() :], depth + 1)}
        read: dict[str, Any] = self._leaf(piece, dict, depth)
        return read

    def _items(self, text: str, first: re.Match[str], depth: int) -> list[Any]:
        data: list[Any] = []
        for piece in _cut(text, first, _dashes(len(first[1]))):
            known: list[Any] | None = self._known.get((depth, piece))
            data += self._item(piece, depth) if known is None else known
        return data

    def _item(self, piece: str, depth: int) -> list[Any]:
        found = _ITEM.match(piece)
        if found is None or piece.count("\n") < 4:
            read: list[Any] = self._leaf(piece, list, depth)
            return read
        dash = found.start(1)
        return [self._collection(f"{piece[:dash]} {piece[dash + 1 :]}", depth + 1)]

    def _leaf(self, piece: str, kind: type, depth: int) -> Any:
        root = parse(piece).root
        data = None if root is None else to_data(root, depth)
        if not isinstance(data, kind):
            raise _DoubtError
        self._new += 1
        self._keep(piece, depth, data)
        return data

    def _keep(self, piece: str, depth: int, data: Any) -> None:
        self._known[depth, piece] = data
        self._kept += len(piece)


@lru_cache
def _starts(column: int) -> re.Pattern[str]:
    return re.compile(rf"\n {{{column}}}([^ #\n-])")


@lru_cache
def _dashes(column: int) -> re.Pattern[str]:
    return re.compile(rf"\n {{{column}}}(-)(?=[ \n])")


def _cut(text: str, first: re.Match[str], begins: re.Pattern[str]) -> Iterator[str]:
    """Yield the pieces of a block collection, whose first entry is at `first`; what stands before it belongs to it."""
    if first[2] not in _STARTS:
        raise _DoubtError  # a complex key, or no block collection
    position = 0
    for found in begins.finditer(text, first.end()):
        if found[1] not in _STARTS:
            raise _DoubtError
        end = found.start() + 1
        yield text[position:end]
        position = end
    yield text[position:]
