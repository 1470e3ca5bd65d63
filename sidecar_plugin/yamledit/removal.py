"""The spans of text to cut when an insertion of `Editor` is removed again: pairs, items, appended text, commented-out nulls.

The functions return spans and change nothing. A span covers exactly what the matching method of `Editor` inserted, so that
inserting and removing give back the same bytes.
"""

import re

from sidecar_plugin.yamledit.documents import Span
from sidecar_plugin.yamledit.extent import content_end, pair_end
from sidecar_plugin.yamledit.lines import BREAKS, content_line_end, line_start
from sidecar_plugin.yamledit.nodes import Mapping, Scalar, Sequence

_COMMENTED_NULL = rf"(?:\s|#[^{BREAKS}]*[{BREAKS}])*:[ \t]*(# )(?:~|null|Null|NULL)"  # compiled when something is taken out


def span_of_pairs(text: str, mapping: Mapping, gone: set[int]) -> list[Span]:
    """Return the spans of the pairs with those indexes, as `Editor.add` inserts them."""
    starts_ends = [(key.start, pair_end(text, key, value)) for key, value in mapping.pairs]
    return _spans(text, starts_ends, gone, mapping.flow, keyed=True)


def span_of_items(text: str, sequence: Sequence, gone: set[int]) -> list[Span]:
    """Return the spans of the items with those indexes, as `Editor.append` and `prepend` insert them; of an author's item whose
    dash stands on a line above it, with a comment behind it, the dash's line too."""
    places = [(item.start, content_end(text, item)) for item in sequence.items]
    if not sequence.flow:
        places = [(_with_dash(text, start), end) for start, end in places]
    return _spans(text, places, gone, sequence.flow, keyed=False)


def _with_dash(text: str, start: int) -> int:
    """Return where an item begins: at `start`, or at the dash where only comments stand between the two."""
    line = line_start(text, start)
    if text[line:start].strip(" "):
        return start
    while line:
        end = line
        line = line_start(text, end - (2 if text.endswith("\r\n", 0, end) else 1))
        content = text[line:end].strip()
        if content.startswith("-"):
            return text.index("-", line)
        if content and not content.startswith("#"):
            break
    return start


def span_of_more(text: str, scalar: Scalar, more: str) -> list[Span]:
    """Return the span of the text that `Editor.lengthen` wrote, wherever in the value it stands by now."""
    found = text.rfind(more, scalar.start, scalar.end)
    return [(found, found + len(more))] if found >= 0 else []


def span_of_comment_mark(text: str, key: Scalar) -> list[Span]:
    """Return the span of the `# ` that `Editor.fill` put before a null that was written out."""
    found = re.compile(_COMMENTED_NULL).match(text, key.end)
    return [found.span(1)] if found else []


def _spans(text: str, places: list[Span], gone: set[int], is_flow: bool, keyed: bool) -> list[Span]:
    spans: list[Span] = []
    if not is_flow:
        for index in sorted(gone):
            start, end = places[index]
            line = line_start(text, start)
            if text[line:start].strip(" -") or ("-" in text[line:start] and keyed):
                spans.append((start, places[index + 1][0] if index + 1 < len(places) else end))
            else:
                spans.append((line, content_line_end(text, end)))
        return spans
    index = 0
    while index < len(places):
        first = index
        while index < len(places) and index in gone:
            index += 1
        if index > first:
            if first:
                spans.append((places[first - 1][1], places[index - 1][1]))
            elif index < len(places):
                spans.append((places[first][0], places[index][0]))
            else:
                spans.append((places[first][0], places[index - 1][1]))
        index += 1
    return spans


def join_spans(text: str, spans: list[Span]) -> list[Span]:
    """Return the spans sorted and joined; one that takes the last lines of a text without a final line break takes the
    break before them too, as that came with the insertion."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    if joined and joined[-1][1] == len(text) and text[-1:] not in BREAKS:
        start, end = joined[-1]
        if start and text[start - 1] in BREAKS:
            start -= 2 if text[start - 2 : start] == "\r\n" else 1
            joined[-1] = (start, end)
    return joined
