"""Moving containers out of a flow list, `[…]`: JSON above all."""

from sidecar_plugin.commands.convert.block_lines import behind, block_items, is_first_on_line, separator, shifted
from sidecar_plugin.commands.convert.move import Move, Moved, MoveError, data_of, index_of_list
from sidecar_plugin.yamledit.documents import Edit
from sidecar_plugin.yamledit.emitter import block
from sidecar_plugin.yamledit.extent import content_end
from sidecar_plugin.yamledit.lines import BREAKS, line_break, line_start
from sidecar_plugin.yamledit.nodes import Mapping, Node, Scalar, Sequence
from sidecar_plugin.yamledit.removal import span_of_items, span_of_pairs


class FlowMove:
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
        edits = [Edit(start, end, "") for start, end in spans]
        if target is None:
            return Moved([*edits, self._new(items)], True, False, is_gone)
        node = target[1]
        if isinstance(node, Sequence) and not node.flow:
            return Moved([*edits, self._into_block(items, target[0], node)], False, False, is_gone)
        if not isinstance(node, Sequence):
            raise self._two_styles()
        if not node.items:
            inside = ", ".join(self._text[item.start : item.end] for item in items)
            return Moved([*edits, Edit(node.first + 1, node.first + 1, inside)], False, False, is_gone)
        neighbour = node.items[0 if move.to_front else -1]
        between = separator(self._text, neighbour)
        written = [self._item(item, neighbour) for item in items]
        if move.to_front:
            edits.append(Edit(neighbour.start, neighbour.start, "".join(item + between for item in written)))
        else:
            edits.append(Edit(neighbour.end, neighbour.end, "".join(between + item for item in written)))
        return Moved(edits, False, False, is_gone)

    def _two_styles(self) -> MoveError:
        source, target = self._move.source, self._move.target
        message = f'"{source}" is written in flow style ([…]) and "{target}" is not; write both in one style'
        return MoveError(message, self._source.start)

    def _into_block(self, items: list[Node], key: Scalar, node: Sequence) -> Edit:
        """Return the edit that adds the items to a block list: as `inject` writes them, or each on one line as it is."""
        newline = line_break(self._text)
        if self._move.by_inject:
            indent_lists = max(0, node.column - self._spec.column)
            lines = block([data_of(item) for item in items], node.column, indent_lists)
        else:
            lines = [f"{' ' * node.column}- {self._text[item.start : item.end]}" for item in items]
            if any(character in line for line in lines for character in BREAKS):
                raise self._two_styles()
        if self._move.to_front:
            position = block_items(self._text, key, node)[0].start
        else:
            position = behind(self._text, content_end(self._text, node), node.column)
        return Edit(position, position, "".join(f"{line}{newline}" for line in lines))

    def _new(self, items: list[Node]) -> Edit:
        """Return the edit that adds the list, written as the one that the items come from, in front of `containers`."""
        if not self._spec.flow:
            message = f'"{self._move.source}" is written in flow style ([…]); write it as a block list'
            raise MoveError(message, self._source.start)
        text, source = self._text, self._source
        if self._move.by_inject:
            listed = ", ".join(text[item.start : item.end] for item in items)
            last, value = self._spec.pairs[-1]
            return Edit(value.end, value.end, f'{separator(text, last)}"{self._move.target}": [{listed}]')
        inside = separator(text, source.items[0])[1:] if self._has_own_line(source.items[0]) else ""
        closing = text[line_start(text, source.end - 1) : source.end - 1]
        end = f"{line_break(text)}{closing}" if inside and not closing.strip() else ""
        comma = separator(text, source.items[0]) if inside else ", "
        written = comma.join(text[item.start : item.end] for item in items)
        pairs = self._spec.pairs
        quote = '"' if pairs[0][0].style == '"' else ""
        whole = f"{quote}{self._move.target}{quote}: [{inside}{written}{end}]"
        at = index_of_list(self._spec, source)
        if at < len(pairs):
            key = pairs[at][0]
            return Edit(key.start, key.start, whole + separator(text, key))
        key, value = pairs[-1]
        return Edit(value.end, value.end, separator(text, key) + whole)

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
