"""Insertions into the text of one document, and the spans that take them out again.

An insertion never touches a byte that is there; `replace` alone writes another scalar in place of one. In block style an
insertion is whole lines, behind the content it extends and the comments that belong to it; in flow style it is JSON beside the
neighbour. `span_of_*` are the exact inverses.

What cannot be extended without changing what the author's text means is an EditError with the offset.
"""

from typing import Any

from sidecar_plugin.errors import ManifestError
from sidecar_plugin.yamledit.documents import Edit, edited
from sidecar_plugin.yamledit.emitter import Emitter, flow
from sidecar_plugin.yamledit.extent import content_end, has_clip_at_end, is_missing
from sidecar_plugin.yamledit.lines import BREAKS, content_line_end, line_break, line_end, line_start, margin
from sidecar_plugin.yamledit.nodes import Mapping, Node, Scalar, Sequence

OPEN_SCALAR = "this block scalar ends the text without a line break; end the file with a line break"


class EditError(ManifestError):
    """A place that cannot be extended; `offset` is where it stands."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


class Editor:
    """Collects insertions into `text`; those at one offset come out in the order they were asked for: inner ones first."""

    __slots__ = ("_edits", "_emitter", "indent_lists", "text")

    def __init__(self, text: str, indent_lists: int, emitter: Emitter) -> None:
        self._emitter = emitter
        self.text = text
        self.indent_lists = indent_lists
        self._edits: list[Edit] = []

    def result(self) -> str:
        """Return the text with the insertions."""
        return edited(self.text, sorted(self._edits, key=lambda edit: edit.start))

    def edits(self) -> list[Edit]:
        """Return the insertions as they are."""
        return list(self._edits)

    def append(self, sequence: Sequence, items: list[Any]) -> None:
        """Add items behind the last one of a list."""
        if sequence.flow:
            if sequence.items:
                last = sequence.items[-1]
                self._insert(content_end(self.text, last), "".join(self._separator(last) + flow(item) for item in items))
            else:
                self._insert(sequence.first + 1, ", ".join(map(flow, items)))
        else:
            self._insert_lines_behind(sequence, items, sequence.column)

    def prepend(self, sequence: Sequence, items: list[Any]) -> None:
        """Add items in front of the first one of a list."""
        if not sequence.items:
            self.append(sequence, items)
        elif sequence.flow:
            first = sequence.items[0]
            self._insert(first.start, "".join(flow(item) + self._separator(first) for item in items))
        else:
            lines = self._emitter.block(items, sequence.column, self.indent_lists)
            self._insert_lines_before(sequence.first, lines, sequence.column, 0)

    def insert_behind(self, sequence: Sequence, index: int, items: list[Any]) -> None:
        """Add items behind the item of that index."""
        item = sequence.items[index]
        if sequence.flow:
            self._insert(content_end(self.text, item), "".join(self._separator(item) + flow(one) for one in items))
        elif index == len(sequence.items) - 1:
            self.append(sequence, items)
        else:
            self._insert_lines_behind(item, items, sequence.column)

    def add(self, mapping: Mapping, entries: dict[str, Any], before: str = "") -> None:
        """Add entries at the end of a mapping, or in front of its key `before` where that is the first word of a line."""
        if mapping.flow:
            written = [f"{flow(key)}: {flow(value)}" for key, value in entries.items()]
            if not mapping.pairs:
                self._insert(mapping.first + 1, ", ".join(written))
                return
            if mapping.first == mapping.pairs[0][0].start:
                raise EditError("a flow mapping without braces cannot be extended; put it in braces", mapping.start)
            key, value = mapping.pairs[-1]
            if value.start == value.end and self.text[value.start - 1] not in " \t\n\r":
                raise EditError(f'the key "{key.value}" has no value; write it as null', key.start)
            separator = self._separator(key)
            self._insert(content_end(self.text, value), "".join(separator + entry for entry in written))
            return
        neighbour = mapping.pair(before) if before else None
        if neighbour and self._is_first_on_line(neighbour[0].start):
            key = neighbour[0]
            before_it = mapping.pairs.index(neighbour) - 1
            bound = content_end(self.text, mapping.pairs[before_it][1]) if before_it >= 0 else 0
            lines = self._emitter.block(entries, mapping.column, self.indent_lists)
            self._insert_lines_before(key.start, lines, mapping.column, bound)
        else:
            self._insert_lines_behind(mapping, entries, mapping.column)

    def fill(self, parent: Mapping, key: Scalar, null: Scalar, data: Any) -> None:
        """Give a key whose value is null a list or mapping; a null that is written out becomes a comment."""
        if parent.flow:
            empty = "[]" if isinstance(data, list) else "{}"
            raise EditError(
                f'"{key.value}" is null in flow style and cannot be filled; write {empty} or leave it out', null.start
            )
        if null.anchor is not None or is_missing(self.text, key, null) or ":" not in self.text[key.end : null.start]:
            raise EditError(f'"{key.value}" is null and cannot be filled as it is written; leave it out', key.start)
        if null.value:
            self._insert(null.start, "# ")
        column = parent.column + (self.indent_lists if isinstance(data, list) else 2)
        self._insert_lines_behind(null, data, column)

    def lengthen(self, mapping: Mapping, scalar: Scalar, text: str) -> None:
        """Write more, letters of names and commas, behind the text of a mapping's value."""
        if scalar.style in ("'", '"'):
            self._insert(scalar.end - 1, text)
        elif scalar.style or mapping.flow or not scalar.value:
            raise EditError("cannot be made longer as it is written; put it in quotes", scalar.start)
        else:
            self._insert(scalar.end, text)

    def replace(self, scalar: Scalar, text: str) -> None:
        """Write a text in place of a scalar."""
        self._edits.append(Edit(scalar.start, scalar.end, text))

    def _insert(self, offset: int, text: str) -> None:
        self._edits.append(Edit(offset, offset, text))

    def _separator(self, neighbour: Node) -> str:
        """Return what stands between the items of a flow collection: a line break where each has its own line."""
        blanks = margin(self.text, neighbour.start)
        line = neighbour.start - len(blanks or "")
        return ", " if blanks is None or not line else f",{self._newline(line)}{blanks}"

    def _is_first_on_line(self, offset: int) -> bool:
        blanks = margin(self.text, offset)
        return blanks is not None and "\t" not in blanks

    def _newline(self, line: int) -> str:
        """Return the line break that ends the line before the one that starts at `line`."""
        if self.text[line - 2 : line] == "\r\n":
            return "\r\n"
        return "\r" if self.text[line - 1 : line] == "\r" else "\n"

    def _insert_lines_before(self, offset: int, lines: list[str], column: int, bound: int) -> None:
        line = line_start(self.text, offset)
        newline = self._newline(line)
        while line > bound:  # comments right above in the same column belong to what they stand above
            above = line_start(self.text, line - len(self._newline(line)))
            if above < bound or _comment_column(self.text, above) != column:
                break
            line = above
        self._insert(line, newline.join(lines) + newline)

    def _insert_lines_behind(self, node: Node, data: Any, column: int) -> None:
        text = self.text
        end = content_end(text, node)
        position = content_line_end(text, end)
        while _comment_column(text, position) > column:  # comments further in belong to what stands above them
            position = line_end(text, position)
        if position == len(text) and text[-1] not in BREAKS:
            if has_clip_at_end(text, node):
                raise EditError(OPEN_SCALAR, end)
            newline = line_break(text)
            self._insert(position, newline + newline.join(self._emitter.block(data, column, self.indent_lists, literal=False)))
        else:
            newline = self._newline(position)
            self._insert(position, newline.join(self._emitter.block(data, column, self.indent_lists)) + newline)


def _comment_column(text: str, line: int) -> int:
    """Return the column of the comment that the line starting at `line` is, -1 if it is something else."""
    mark = text.find("#", line, line_end(text, line))
    return mark - line if mark >= 0 and not text[line:mark].strip(" ") else -1
