"""Moving containers from one list of a pod spec to the other: their own lines, re-indented only as a whole.

Blank lines that set items apart move along, so that moving back gives the text that was there.
"""

import re
from typing import NamedTuple

from sidecar_plugin.commands.convert.block_lines import (
    Lines,
    above,
    behind,
    blank_behind,
    block_items,
    is_first_on_line,
    shifted,
)
from sidecar_plugin.commands.convert.flow_moves import FlowMove
from sidecar_plugin.commands.convert.move import Move, Moved, MoveError, data_of, index_of_list
from sidecar_plugin.yamledit.documents import Edit
from sidecar_plugin.yamledit.emitter import flow
from sidecar_plugin.yamledit.extent import content_end, pair_end
from sidecar_plugin.yamledit.lines import line_break, line_start
from sidecar_plugin.yamledit.nodes import Mapping, Node, Scalar, Sequence, follow, is_null
from sidecar_plugin.yamledit.removal import span_of_comment_mark


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
        return FlowMove(text, spec, source, move).moved(pair, target)
    removed, runs = _cut(text, spec, pair, source, move)
    edits, is_new, is_comment = _paste(text, spec, source, target, move, runs, found[0].end)
    return Moved([*removed, *edits], is_new, is_comment, len(move.indexes) == len(source.items))


def _cut(text: str, spec: Mapping, pair: tuple[Scalar, Node], source: Sequence, move: Move) -> tuple[list[Edit], list[_Run]]:
    lines = block_items(text, pair[0], source, move.injected)
    if len(move.indexes) == len(lines):
        whole = text[lines[0].start : lines[-1].end]
        if move.keeps_key:
            edits = [Edit(lines[0].start, lines[-1].end, "")]
            edits += [Edit(*span, "") for span in span_of_comment_mark(text, pair[0]) if move.was_null]
            return edits, [_Run(whole, "")]
        if not is_first_on_line(text, pair[0].start):
            raise MoveError(f'"{move.source}" does not begin its line and cannot be taken out; reorder the keys', pair[0].start)
        if move.by_inject:
            return [Edit(line_start(text, pair[0].start), lines[-1].end, "")], [_Run(whole, "")]
        if not _is_in_place(text, spec, pair, lines):
            mark = Edit(pair[0].start, pair[0].start, "# ")
            return [mark, Edit(lines[0].start, lines[-1].end, "")], [_Run(whole, "")]
        end = blank_behind(text, lines[-1].end)
        return [Edit(line_start(text, pair[0].start), end, "")], [_Run(whole, text[lines[-1].end : end])]
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
    bound = pair_end(text, *others[at - 1]) if at else 0
    return (
        isinstance(containers, Sequence)
        and at < len(others)
        and at == index_of_list(spec, containers)
        and text[start : lines[0].start].rstrip("\r\n") == f"{' ' * spec.column}{pair[0].value}:"
        and above(text, start, spec.column, bound) == start
    )


def _commented_key(text: str, spec: Mapping, name: str, bound: int) -> re.Match[str] | None:
    """Return the comment that `_cut` made of the key of a list whose items all went; `bound` is where the spec may begin."""
    pattern = re.compile(rf"^ {{{spec.column}}}(# )['\"]?{name}['\"]?:[ \t]*(?:#.*)?(?:\r?\n|\Z)", re.MULTILINE)
    found = list(pattern.finditer(text, bound, behind(text, content_end(text, spec), spec.column - 1)))
    return found[0] if len(found) == 1 else None


def _cut_run(text: str, lines: list[Lines], first: int, stop: int) -> tuple[Edit, _Run]:
    start, end = lines[first].start, lines[stop - 1].end
    inner = text[start:end]
    if stop < len(lines):
        gap = text[end : lines[stop].start]
        if not gap.strip():
            return Edit(start, lines[stop].start, ""), _Run(inner, gap)
    elif first:
        gap = text[lines[first - 1].end : start]
        if not gap.strip():
            return Edit(lines[first - 1].end, end, ""), _Run(inner, gap)
    return Edit(start, end, ""), _Run(inner, "")


def _paste(
    text: str, spec: Mapping, source: Sequence, target: tuple[Scalar, Node] | None, move: Move, runs: list[_Run], bound: int
) -> tuple[list[Edit], bool, bool]:
    def written(column: int) -> str:
        pieces = [run.text + run.blank if move.to_front else run.blank + run.text for run in runs]
        lines = shifted("".join(pieces), column - source.column)
        if lines is None:
            raise MoveError("its lines cannot be re-indented; indent all of the container's lines further", source.first)
        return lines

    commented = None if target or move.by_inject else _commented_key(text, spec, move.target, bound)
    if commented:
        column = spec.column + max(0, source.column - spec.column)
        filled = Edit(commented.end(), commented.end(), written(column))
        return [Edit(*commented.span(1), ""), filled], False, False
    if target is None:
        column = spec.column + max(0, source.column - spec.column)
        position = _place_of_list(text, spec, source, move.by_inject)
        head = f"{' ' * spec.column}{move.target}:{line_break(text)}"
        return [Edit(position, position, head + written(column))], True, False
    key, node = target
    if isinstance(node, Sequence) and not node.flow:
        if not move.to_front:
            position = behind(text, content_end(text, node), node.column)
            if not move.by_inject:
                position = block_items(text, key, node)[-1].end
        else:
            position = block_items(text, key, node)[0].start
        return [Edit(position, position, written(node.column))], False, False
    column = spec.column + max(0, source.column - spec.column)
    is_empty = isinstance(node, Sequence) and not node.items
    if not is_empty and not is_null(node):
        raise MoveError(f'"{move.target}" is written in flow style ([…]); write it as a block list', node.start)
    if spec.flow or ":" not in text[key.end : node.start] or getattr(node, "anchor", None) is not None:
        raise MoveError(f'"{move.target}" cannot be filled as it is written; leave it out', key.start)
    position = behind(text, node.end, column)
    filled = Edit(position, position, written(column))
    if isinstance(node, Sequence) and is_empty and move.by_inject:
        items = ", ".join(flow(data_of(source.items[index])) for index in sorted(move.indexes))
        return [Edit(node.first + 1, node.first + 1, items)], False, False
    if is_empty:
        blank = len(text[key.end : node.start]) - len(text[key.end : node.start].rstrip(" "))
        return [Edit(node.start - blank, node.end, ""), filled], False, False
    if node.end == node.start:
        return [filled], False, False
    return [Edit(node.start, node.start, "# "), filled], False, True


def _place_of_list(text: str, spec: Mapping, source: Sequence, by_inject: bool) -> int:
    """Return the start of the line where a new list of init containers goes."""
    pairs = spec.pairs
    at = index_of_list(spec, source, by_inject)
    if at == len(pairs):
        return behind(text, pair_end(text, *pairs[-1]), spec.column)
    key = pairs[at][0]
    if not is_first_on_line(text, key.start):
        return behind(text, pair_end(text, *pairs[-1]), spec.column)
    bound = pair_end(text, *pairs[at - 1]) if at else 0
    return above(text, line_start(text, key.start), spec.column, bound)
