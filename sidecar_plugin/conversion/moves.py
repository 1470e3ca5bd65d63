"""Moving containers from one list of a pod spec to the other: their own lines, re-indented only as a whole.

Blank lines that set items apart move along, so that moving back gives the text that was there.
"""

import re
from typing import NamedTuple

from sidecar_plugin.conversion.style import is_sorted_spec
from sidecar_plugin.document.edit import span_of_comment_mark, span_of_items, span_of_pairs
from sidecar_plugin.document.lines import (
    Lines,
    Replacement,
    above,
    behind,
    blank_behind,
    block_items,
    is_first_on_line,
    pair_end,
    separator,
    shifted,
)
from sidecar_plugin.errors import ManifestError
from sidecar_plugin.lines import line_break, line_start
from sidecar_plugin.nodes import Mapping, Node, Scalar, Sequence, content_end, follow, is_null


class MoveError(ManifestError):
    """Something that cannot be moved as it is written; `offset` is where it stands."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


class Move(NamedTuple):
    """Which items of the list `source` of the pod spec go to the list `target`, to its front or its end.

    `injected` are those that the program inserted; `keeps_key` says that a list which becomes empty keeps its key, as
    `uninject` expects, and `was_null` that its null had become a comment.
    """

    source: str
    target: str
    indexes: frozenset[int]
    injected: frozenset[int]
    to_front: bool
    keeps_key: bool
    was_null: bool


class Moved(NamedTuple):
    """The edits, and what became of the two keys: made new, its written-out null made a comment, gone."""

    edits: list[Replacement]
    target_is_new: bool
    null_is_comment: bool
    source_is_gone: bool


class _Run(NamedTuple):
    """Neighbouring items that move together: their lines and the blank lines that set them apart from what stays."""

    text: str
    blank: str


def moved(text: str, template: Mapping, move: Move) -> Moved:
    """Return the edits of a move in a pod template. Raises MoveError for what cannot be moved as it is written."""
    found = template.pair("spec")
    assert found is not None
    spec = follow(found[1])
    assert isinstance(spec, Mapping)
    pair = spec.pair(move.source)
    assert pair is not None
    source = pair[1]
    assert isinstance(source, Sequence)
    target = spec.pair(move.target)
    if source.flow:
        return _Flow(text, spec, source, move).moved(pair, target)
    removed, runs = _cut(text, spec, pair, source, move)
    edits, is_new, is_comment = _paste(text, spec, source, target, move, runs, found[0].end)
    return Moved([*removed, *edits], is_new, is_comment, len(move.indexes) == len(source.items))


# --- block lists


def _cut(
    text: str, spec: Mapping, pair: tuple[Scalar, Node], source: Sequence, move: Move
) -> tuple[list[Replacement], list[_Run]]:
    lines = block_items(text, pair[0], source, move.injected)
    if len(move.indexes) == len(lines):
        whole = text[lines[0].start : lines[-1].end]
        if move.keeps_key:
            edits = [Replacement(lines[0].start, lines[-1].end, "")]
            edits += [Replacement(*span, "") for span in span_of_comment_mark(text, pair[0]) if move.was_null]
            return edits, [_Run(whole, "")]
        if not is_first_on_line(text, pair[0].start):
            raise MoveError(f'"{move.source}" does not begin its line and cannot be taken out; reorder the keys', pair[0].start)
        if not _is_in_place(text, spec, pair, lines):
            mark = Replacement(pair[0].start, pair[0].start, "# ")
            return [mark, Replacement(lines[0].start, lines[-1].end, "")], [_Run(whole, "")]
        end = blank_behind(text, lines[-1].end)
        return [Replacement(line_start(text, pair[0].start), end, "")], [_Run(whole, text[lines[-1].end : end])]
    edits, runs = [], []
    index = 0
    while index < len(lines):
        first = index
        while index < len(lines) and index in move.indexes:
            index += 1
        if index > first:
            edit, run = _cut_run(text, lines, first, index)
            edits.append(edit)
            runs.append(run)
        index += 1
    return edits, runs


def _is_in_place(text: str, spec: Mapping, pair: tuple[Scalar, Node], lines: list[Lines]) -> bool:
    """Say whether `_paste` would write the key of this list where and as it stands."""
    others = [other for other in spec.pairs if other is not pair]
    containers = next(node for key, node in others if key.value == "containers")
    at = spec.pairs.index(pair)
    start = line_start(text, pair[0].start)
    bound = pair_end(text, others[at - 1]) if at else 0
    return (
        isinstance(containers, Sequence)
        and at < len(others)
        and at == _index_of_list(spec, containers)
        and text[start : lines[0].start].rstrip("\r\n") == f"{' ' * spec.column}{pair[0].value}:"
        and above(text, start, spec.column, bound) == start
    )


def _commented_key(text: str, spec: Mapping, name: str, bound: int) -> re.Match[str] | None:
    """Return the comment that `_cut` made of the key of a list whose items all went; `bound` is where the spec may begin."""
    pattern = re.compile(rf"^ {{{spec.column}}}(# )['\"]?{name}['\"]?:[ \t]*(?:#.*)?(?:\r?\n|\Z)", re.MULTILINE)
    found = list(pattern.finditer(text, bound, behind(text, content_end(text, spec), spec.column - 1)))
    return found[0] if len(found) == 1 else None


def _cut_run(text: str, lines: list[Lines], first: int, stop: int) -> tuple[Replacement, _Run]:
    start, end = lines[first].start, lines[stop - 1].end
    inner = text[start:end]
    if stop < len(lines):
        gap = text[end : lines[stop].start]
        if not gap.strip():
            return Replacement(start, lines[stop].start, ""), _Run(inner, gap)
    elif first:
        gap = text[lines[first - 1].end : start]
        if not gap.strip():
            return Replacement(lines[first - 1].end, end, ""), _Run(inner, gap)
    return Replacement(start, end, ""), _Run(inner, "")


def _paste(
    text: str, spec: Mapping, source: Sequence, target: tuple[Scalar, Node] | None, move: Move, runs: list[_Run], bound: int
) -> tuple[list[Replacement], bool, bool]:
    def written(column: int) -> str:
        pieces = [run.text + run.blank if move.to_front else run.blank + run.text for run in runs]
        lines = shifted("".join(pieces), column - source.column)
        if lines is None:
            raise MoveError("its lines cannot be re-indented; indent all of the container's lines further", source.first)
        return lines

    if target is None and (commented := _commented_key(text, spec, move.target, bound)):
        column = spec.column + max(0, source.column - spec.column)
        filled = Replacement(commented.end(), commented.end(), written(column))
        return [Replacement(*commented.span(1), ""), filled], False, False
    if target is None:
        column = spec.column + max(0, source.column - spec.column)
        position = _place_of_list(text, spec, source)
        head = f"{' ' * spec.column}{move.target}:{line_break(text)}"
        return [Replacement(position, position, head + written(column))], True, False
    key, node = target
    if isinstance(node, Sequence) and not node.flow:
        if not move.to_front:
            position = behind(text, content_end(text, node), node.column)
            if move.injected != move.indexes:
                position = block_items(text, key, node)[-1].end
        else:
            position = block_items(text, key, node)[0].start
        return [Replacement(position, position, written(node.column))], False, False
    column = spec.column + max(0, source.column - spec.column)
    is_empty = isinstance(node, Sequence) and not node.items
    if not is_empty and not is_null(node):
        raise MoveError(f'"{move.target}" is written in flow style ([…]); write it as a block list', node.start)
    if spec.flow or ":" not in text[key.end : node.start] or getattr(node, "anchor", None) is not None:
        raise MoveError(f'"{move.target}" cannot be filled as it is written; leave it out', key.start)
    position = behind(text, node.end, column)
    filled = Replacement(position, position, written(column))
    if is_empty:
        blank = len(text[key.end : node.start]) - len(text[key.end : node.start].rstrip(" "))
        return [Replacement(node.start - blank, node.end, ""), filled], False, False
    if node.end == node.start:
        return [filled], False, False
    return [Replacement(node.start, node.start, "# "), filled], False, True


def _place_of_list(text: str, spec: Mapping, source: Sequence) -> int:
    """Return the start of the line where a new list of init containers goes."""
    pairs = spec.pairs
    at = _index_of_list(spec, source)
    if at == len(pairs):
        return behind(text, pair_end(text, pairs[-1]), spec.column)
    key = pairs[at][0]
    if not is_first_on_line(text, key.start):
        return behind(text, pair_end(text, pairs[-1]), spec.column)
    bound = pair_end(text, pairs[at - 1]) if at else 0
    return above(text, line_start(text, key.start), spec.column, bound)


def _index_of_list(spec: Mapping, source: Sequence) -> int:
    """Return which pair a new list of init containers goes before: the containers, or the next one in the alphabet."""
    names = [key.value for key, _ in spec.pairs if key.value != "initContainers"]
    if is_sorted_spec(spec, source):
        return next((index for index, name in enumerate(names) if name > "initContainers"), len(names))
    return names.index("containers")


# --- flow lists


class _Flow:
    """A move out of a flow list, `[…]`, JSON above all."""

    def __init__(self, text: str, spec: Mapping, source: Sequence, move: Move) -> None:
        self._text = text
        self._spec = spec
        self._source = source
        self._move = move

    def moved(self, pair: tuple[Scalar, Node], target: tuple[Scalar, Node] | None) -> Moved:
        move, source = self._move, self._source
        items = [source.items[index] for index in sorted(move.indexes)]
        is_gone = len(items) == len(source.items) and not move.keeps_key
        if is_gone:
            spans = span_of_pairs(self._text, self._spec, {self._spec.pairs.index(pair)})
        else:
            spans = span_of_items(self._text, source, set(move.indexes))
        edits = [Replacement(start, end, "") for start, end in spans]
        if target is None:
            return Moved([*edits, self._new(items)], True, False, is_gone)
        node = target[1]
        if not isinstance(node, Sequence) or not node.flow:
            message = f'"{move.source}" is written in flow style ([…]) and "{move.target}" is not; write both in one style'
            raise MoveError(message, source.start)
        if not node.items:
            inside = ", ".join(self._text[item.start : item.end] for item in items)
            return Moved([*edits, Replacement(node.first + 1, node.end - 1, inside)], False, False, is_gone)
        neighbour = node.items[0 if move.to_front else -1]
        between = separator(self._text, neighbour)
        written = [self._item(item, neighbour) for item in items]
        if move.to_front:
            edits.append(Replacement(neighbour.start, neighbour.start, "".join(item + between for item in written)))
        else:
            edits.append(Replacement(neighbour.end, neighbour.end, "".join(between + item for item in written)))
        return Moved(edits, False, False, is_gone)

    def _new(self, items: list[Node]) -> Replacement:
        """Return the edit that adds the list, written as the one that the items come from, in front of `containers`."""
        if not self._spec.flow:
            message = f'"{self._move.source}" is written in flow style ([…]); write it as a block list'
            raise MoveError(message, self._source.start)
        text, source = self._text, self._source
        inside = separator(text, source.items[0])[1:] if self._has_own_line(source.items[0]) else ""
        closing = text[line_start(text, source.end - 1) : source.end - 1]
        end = f"{line_break(text)}{closing}" if inside and not closing.strip() else ""
        comma = separator(text, source.items[0]) if inside else ", "
        written = comma.join(text[item.start : item.end] for item in items)
        pairs = self._spec.pairs
        quote = '"' if pairs[0][0].style == '"' else ""
        whole = f"{quote}{self._move.target}{quote}: [{inside}{written}{end}]"
        at = _index_of_list(self._spec, source)
        if at < len(pairs):
            key = pairs[at][0]
            return Replacement(key.start, key.start, whole + separator(text, key))
        key, value = pairs[-1]
        return Replacement(value.end, value.end, separator(text, key) + whole)

    def _has_own_line(self, node: Node) -> bool:
        return is_first_on_line(self._text, node.start) and line_start(self._text, node.start) > 0

    def _item(self, item: Node, neighbour: Node) -> str:
        written = self._text[item.start : item.end]
        if not (self._has_own_line(item) and self._has_own_line(neighbour)):
            return written
        by = neighbour.start - line_start(self._text, neighbour.start) - item.start + line_start(self._text, item.start)
        head, *rest = written.splitlines(keepends=True)
        lines = shifted("".join(rest), by)
        return written if lines is None else head + lines
