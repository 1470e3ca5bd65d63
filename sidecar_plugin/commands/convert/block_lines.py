"""Lines of a text that is edited: where they start, what belongs to a list's item, and moving lines in or out."""

import re
from itertools import pairwise
from typing import NamedTuple

from sidecar_plugin.yamledit.documents import Edit, edited
from sidecar_plugin.yamledit.editor import EditError
from sidecar_plugin.yamledit.extent import content_end
from sidecar_plugin.yamledit.lines import BREAKS, content_line_end, line_break, line_end, line_start
from sidecar_plugin.yamledit.nodes import Node, Scalar, Sequence

_COMMENT = re.compile(f"( *)#[^{BREAKS}]*(?:\r\n|[{BREAKS}]|\\Z)")
_COMMENTED_KEY = re.compile(r""" *# ["']?(?:initContainers|containers)["']?:""")  # as a conversion leaves it
_LINE = re.compile(f"[^{BREAKS}]*(?:\r\n|[{BREAKS}]|\\Z)")


class Lines(NamedTuple):
    """The lines of one item of a block list: its comments from `start`, its dash at `dash`, `end` behind its last line."""

    start: int
    dash: int
    end: int


def applied(text: str, edits: list[Edit]) -> str:
    """Return the text with all edits; those at one offset come in the order given. Raises EditError if two overlap."""
    ordered = sorted(edits, key=lambda edit: (edit.start, edit.end))
    for before, after in pairwise(ordered):
        if after.start < before.end:
            raise EditError("two edits would overlap", after.start)
    return edited(text, ordered)


def is_first_on_line(text: str, offset: int) -> bool:
    """Say whether only spaces stand before `offset` in its line."""
    return not text[line_start(text, offset) : offset].strip(" ")


def behind(text: str, end: int, column: int) -> int:
    """Return where lines go behind content that ends at `end`: after its line and the comments further in than `column`."""
    position = content_line_end(text, end)
    while (comment := _COMMENT.match(text, position)) and comment.end() > position and len(comment[1]) > column:
        position = comment.end()
    return position


def above(text: str, line: int, column: int, bound: int) -> int:
    """Return where the comments begin that stand in `column` right above the line that starts at `line`."""
    while line > bound:
        before = line_start(text, line - (2 if text[line - 2 : line] == "\r\n" else 1))
        comment = _COMMENT.match(text, before)
        if before < bound or not comment or len(comment[1]) != column:
            break
        line = before
    return line


def blank_behind(text: str, offset: int) -> int:
    """Return where the blank lines end that begin at `offset`, the start of a line."""
    while (line := _LINE.match(text, offset)) and line.end() > offset and not line[0].strip():
        offset = line.end()
    return offset


def block_items(text: str, key: Scalar, sequence: Sequence, bare: frozenset[int] = frozenset()) -> list[Lines]:
    """Return the lines of each item of a block list that is the value of `key`; `bare` are items without comments of their own,
    as the program inserts them."""
    found: list[Lines] = []
    bound = line_end(text, key.end)
    done = bound  # where the content of the item before ends
    for index, item in enumerate(sequence.items):
        dash = sequence.first if index == 0 else _dash(text, content_line_end(text, done), sequence.column)
        line = line_start(text, dash)
        start = line if index in bare else above(text, line, sequence.column, bound)
        done = content_end(text, item)
        end = content_line_end(text, done) if index in bare else _last_comment(text, done, sequence.column)
        found.append(Lines(start, dash, end))
        bound = end
    return found


def _last_comment(text: str, end: int, column: int) -> int:
    """Return where an item's lines end: behind the last comment further in than `column` of those that follow its content."""
    last = position = content_line_end(text, end)
    while position < len(text):
        comment = _COMMENT.match(text, position)
        if comment and _COMMENTED_KEY.match(text, position):
            break
        if comment is None and text[position : line_end(text, position)].strip():
            break
        position = comment.end() if comment else line_end(text, position)
        if comment and len(comment[1]) > column:
            last = position
    return last


def _dash(text: str, offset: int, column: int) -> int:
    while text[offset : offset + column].strip(" ") or text[offset + column : offset + column + 1] != "-":
        line = _LINE.match(text, offset)
        assert line and line.end() > offset, "a block list's item has a dash"
        offset = line.end()
    return offset + column


def shifted(text: str, by: int) -> str | None:
    """Return the lines moved by so many columns, empty ones left empty; None if one of them has not that much indentation."""
    lines = []
    for line in _LINE.findall(text):
        body = line.rstrip(BREAKS)
        if not body or not by:
            lines.append(line)
        elif by > 0:
            lines.append(" " * by + line)
        elif not body[:-by].strip(" "):
            lines.append(line[min(-by, len(body)) :])
        elif body.lstrip(" ").startswith("#"):
            lines.append(line.lstrip(" "))
        else:
            return None
    return "".join(lines)


def separator(text: str, neighbour: Node) -> str:
    """Return what stands between the items of a flow collection: a line break where each has its own line."""
    line = line_start(text, neighbour.start)
    if not line or not is_first_on_line(text, neighbour.start):
        return ", "
    return f",{line_break(text)}{text[line : neighbour.start]}"
