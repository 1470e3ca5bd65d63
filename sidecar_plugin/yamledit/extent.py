"""Where the content of a node ends in the text.

libyaml reports the end of a block collection at the start of the next token, behind comments and empty lines. Insertions need
the end of the last line that belongs to the content.
"""

import re

from sidecar_plugin.yamledit.lines import BREAKS
from sidecar_plugin.yamledit.nodes import Mapping, Node, Scalar, Sequence

_BLOCK_STYLES = ("|", ">")
_COMMENT = rf"#[^{BREAKS}]*"


def content_end(text: str, node: Node) -> int:
    """Return where the node's content ends in `text`: a block collection ends with the last thing in it."""
    node = _last_inside(text, node)
    if isinstance(node, Scalar) and node.style in _BLOCK_STYLES:
        return _block_scalar_end(text, node.start, node.end)
    return node.end


def pair_end(text: str, key: Scalar, value: Node) -> int:
    """Return where the content of a mapping's pair ends."""
    return key.end if is_missing(text, key, value) else max(content_end(text, value), key.end)


def is_missing(text: str, key: Scalar, value: Node) -> bool:
    """Say whether a value has no colon either, as in `? key`: libyaml reports it at the next token, something else's."""
    if not isinstance(value, Scalar) or value.start != value.end:
        return False
    return ":" not in re.sub(_COMMENT, "", text[key.end : value.start])


def _last_inside(text: str, node: Node) -> Node:
    """Return the node that the last of `node` stands in: itself, unless it is a collection without brackets; the last key of a
    mapping that has no value for it."""
    while isinstance(node, (Mapping, Sequence)) and not (node.flow and text[node.first] in "[{"):
        if isinstance(node, Sequence):
            node = node.items[-1]
        else:
            key, value = node.pairs[-1]
            node = key if is_missing(text, key, value) else value
    return node


def _block_scalar_end(text: str, start: int, end: int) -> int:
    """Return where a block scalar's content ends: behind it only empty lines that say nothing were left out."""
    header_end = start
    while header_end < end and text[header_end] not in BREAKS:
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
    node = _last_inside(text, node)
    if not isinstance(node, Scalar) or node.style not in _BLOCK_STYLES or node.end != len(text) or text[-1:] in BREAKS:
        return False
    header = text[node.start : node.end].splitlines()[0].split("#")[0]
    return "-" not in header.rsplit(node.style, 1)[-1]
