"""Parsing of YAML text into nodes, by libyaml.

libyaml (through PyYAML) is also what Go's yaml, and so kubectl, Helm and kustomize, were ported from: what it takes they take.
Most documents have no anchors and no tags: these libyaml composes, which is twice as fast as building them from its events, as
is done with the others.

Nesting is bounded by MAX_DEPTH: libyaml's time grows with the square of the depth, and nobody writes such a manifest.
"""

import math
import re
from typing import Any

from sidecar_plugin.yamledit import libyaml
from sidecar_plugin.yamledit.libyaml import MAX_DEPTH, Event, YAMLError
from sidecar_plugin.yamledit.lines import line_end, line_start
from sidecar_plugin.yamledit.nodes import Alias, Mapping, Node, ParseError, Scalar, Sequence, Target, Tree, as_key, follow

_PROPERTY = r"(?<![^\s\[\]{},:\"'\ufeff])(?:!|&[^\s&])"
_EXPLICIT_KEY = r"\?\s"
_COMPLEX_KEY = r"[{,\]}](?:(?<=[{,])\s*[{\[#]|(?<=[\]}])\s*:)"
_INNERMOST = r"[\[{][^\[\]{}\"'#\n]*[\]}]"  # neither a quote nor a comment can hide its end
_BEFORE_CONTENT = r"(?:^|[\r\x85\u2028\u2029])[ \t?:-]*"
_CLASSES = {"ScalarNode": Scalar, "SequenceNode": Sequence, "MappingNode": Mapping}  # by their names in PyYAML
_NESTING = ("[", "{", "- ", "-\t", "? ", "?\t", ": :", ":\t")


def validate(text: str) -> None:
    """Raise ParseError if `text`, one document, is not YAML; build nothing."""
    try:
        if text.count("[") + text.count("{") > MAX_DEPTH and _flow_levels(text) > MAX_DEPTH:
            _check_depth(text)
        else:
            libyaml.parser(text).raw_parse()
    except YAMLError as error:
        raise _explained(text, *libyaml.problem(text, error)) from None


def parse(text: str) -> Tree:
    """Return the tree of `text`, which holds at most one document.

    Raises ParseError for text that is not YAML, an alias without anchor, a key that is no scalar, or more than
    MAX_DEPTH levels.
    """
    try:
        if _is_simple(text):
            try:
                if tree := _compose(text):
                    return tree
            except YAMLError:
                pass  # an alias, or no YAML: the events say which
        return _build(text)
    except YAMLError as error:
        raise _explained(text, *libyaml.problem(text, error)) from None
    except ParseError as error:
        raise _explained(text, error.message, error.offset) from None


def _explained(text: str, message: str, offset: int) -> ParseError:
    """Return the error, with the cause where it is more than a mistake in YAML."""
    start, end = line_start(text, offset), line_end(text, offset)
    at_line_start = re.search(r"^[ \t]*\{\{", text, re.MULTILINE)  # a mapping of a mapping as its key: never in a manifest
    if ("{{" in text[start:end] and "}}" in text[start:]) or (at_line_start and "}}" in text):
        offset = offset if "{{" in text[start:end] else at_line_start.end() - 2 if at_line_start else offset
        message = (
            "this is a chart's template, not a manifest: {{ }} must be rendered first; give the output of `helm template`, or "
            "use the program as Helm's post-renderer"
        )
    elif (mark := text.find("\ufeff")) >= 0:
        message, offset = "a byte order mark (U+FEFF, an invisible character) in the middle of the text; delete it", mark
    elif text[offset : offset + 1] in ("{", "[") and text[:offset].rstrip()[-1:] in ("}", "]"):
        message = "a second JSON value; put a line with --- between the two"
    return ParseError(message, offset)


def may_hold_complex_key(text: str) -> bool:
    """Say whether a key that is no scalar can stand in `text`. Such a key is written `? KEY`, is a flow collection before a
    colon, or one behind a brace or comma."""
    return ("?" in text and re.search(_EXPLICIT_KEY, text) is not None) or (
        ("{" in text or "[" in text) and re.search(_COMPLEX_KEY, text) is not None
    )


def _is_simple(text: str) -> bool:
    """Say whether `_compose` can read `text`: nothing in it has an anchor or a tag, and it is not nested too deep."""
    if ("&" in text or "!" in text) and re.search(_PROPERTY, text):
        return False
    # Levels that need no line of their own are told by their indicators; each of the others is indented further.
    levels = sum(map(text.count, _NESTING)) + math.isqrt(2 * len(text))
    return (levels < MAX_DEPTH or _is_shallow(text)) and not may_hold_complex_key(text)


def _is_shallow(text: str) -> bool:
    """Say whether a long text has few levels."""
    return _block_levels(text) + _flow_levels(text) < MAX_DEPTH


def _block_levels(text: str) -> int:
    """Return how deep block collections can be nested at most: each begins further in than the one that it is in, but for a
    list in the column of its key (YAML 1.2.2, 8.2.2)."""
    return 2 * max(map(len, re.findall(_BEFORE_CONTENT, text, re.MULTILINE))) + 2


def _flow_levels(text: str) -> int:
    """Return how deep flow collections can be nested at most: as many as begin, but for those that end at once."""
    return text.count("[") + text.count("{") - len(re.findall(_INNERMOST, text)) + 1


def _check_depth(text: str) -> None:
    """Raise ParseError for more than MAX_DEPTH levels, and YAMLError for text that is not YAML."""
    get_event, depth = libyaml.parser(text).get_event, 0
    opening = (Event.MappingStartEvent, Event.SequenceStartEvent)
    closing = (Event.MappingEndEvent, Event.SequenceEndEvent)
    while (event := get_event()) is not None:
        if event.__class__ in opening:
            if depth >= MAX_DEPTH:
                raise _too_deep(event)
            depth += 1
        elif event.__class__ in closing:
            depth -= 1


def _too_deep(event: Any) -> ParseError:
    return ParseError(f"nested more than {MAX_DEPTH} levels deep", event.start_mark.index)


def _compose(text: str) -> Tree | None:
    """Return the tree as libyaml composes it: twice as fast as from its events. None if it is no tree of ours."""
    root = libyaml.compose(text, _CLASSES)
    if root is None or (isinstance(root, Scalar) and root.start == root.end):
        return Tree(None, False)  # nothing, or `---` and nothing behind it
    return Tree(root, False) if root.__class__ in _CLASSES.values() else None


def _build(text: str) -> Tree:
    scalar_event, alias_event = Event.ScalarEvent, Event.AliasEvent
    mapping_start, mapping_end = Event.MappingStartEvent, Event.MappingEndEvent
    sequence_start, sequence_end = Event.SequenceStartEvent, Event.SequenceEndEvent
    get_event = libyaml.parser(text).get_event
    anchors: dict[str, Target] = {}
    has_aliases = False
    root: Target | None = None
    container: Sequence | Mapping | None = None
    key: Scalar | None = None
    open_containers: list[tuple[Sequence | Mapping | None, Scalar | None]] = []
    node: Node
    while True:
        event = get_event()
        cls = event.__class__
        if cls is scalar_event:
            style = event.style
            node = Scalar(event.tag, event.value, event.start_mark, event.end_mark, style)
            if event.anchor is not None:
                node.anchor = event.anchor
                anchors[event.anchor] = node
        elif cls is mapping_start or cls is sequence_start:
            start, end_mark = event.start_mark.index, event.end_mark
            first, column = end_mark.index, end_mark.column
            if event.flow_style:
                if first > start:  # the bracket; a pair in a flow list that needs no braces has no width
                    first, column = first - 1, column - 1
            elif cls is sequence_start and first > start and text[first - 1] == "-":
                first, column = first - 1, column - 1  # dashes in the column of the key: the event ends after the dash
            build = Mapping if cls is mapping_start else Sequence
            node = build(event.tag, [], event.start_mark, end_mark, event.flow_style)
            node.first, node.column = first, column
            if event.anchor is not None:
                node.anchor = event.anchor
                anchors[event.anchor] = node
            if len(open_containers) >= MAX_DEPTH:
                raise _too_deep(event)
        elif cls is mapping_end or cls is sequence_end:
            assert container is not None
            container.end_mark = event.end_mark
            container, key = open_containers.pop()
            continue
        elif cls is alias_event:
            target = anchors.get(event.anchor)
            if target is None:
                raise ParseError(f"the alias *{event.anchor} has no anchor before it", event.start_mark.index)
            node = Alias(target, event.start_mark, event.end_mark)
            has_aliases = True
        elif event is None:
            return Tree(root, has_aliases)
        else:
            continue

        if container is None:
            if root is not None:
                raise ParseError("a second document where one was expected", node.start)
            if cls is scalar_event and not style and not event.value and node.end == node.start:
                continue  # `---` and nothing behind it
            root = follow(node)  # never an alias: nothing is anchored before the root
        elif isinstance(container, Sequence):
            container.items.append(node)
        elif key is None:
            key = as_key(node)
        else:
            container.pairs.append((key, node))
            key = None
        if isinstance(node, (Mapping, Sequence)):
            open_containers.append((container, key))
            container, key = node, None
