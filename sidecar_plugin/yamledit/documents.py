"""A stream of YAML documents, cut where the documents begin.

`---` at the start of a line begins a document wherever it stands, in a block scalar too (YAML 1.2.2, 9.1.2), so the cut is
a search for lines, without parsing. Only directives (`%YAML`), which stand before their `---`, need the parser.
"""

import re
from itertools import pairwise
from typing import NamedTuple

from sidecar_plugin.errors import ManifestError, Place
from sidecar_plugin.yamledit import libyaml
from sidecar_plugin.yamledit.libyaml import MAX_DEPTH, Event, YAMLError
from sidecar_plugin.yamledit.lines import BREAKS
from sidecar_plugin.yamledit.nodes import ParseError, Tree
from sidecar_plugin.yamledit.parser import parse, validate
from sidecar_plugin.yamledit.source import Source

_DASHES = re.compile("-+")
_DIRECTIVE = f"(?:(?<=[{BREAKS}])|\\A)%"  # compiled when there is a percent sign

Span = tuple[int, int]


class Edit(NamedTuple):
    """`text` in place of what stands from `start` to `end`; an insertion where the two are one."""

    start: int
    end: int
    text: str


def edited(text: str, edits: list[Edit]) -> str:
    """Return a text with edits, sorted and apart from each other."""
    pieces: list[str] = []
    position = 0
    for start, end, new in edits:
        pieces += (text[position:start], new)
        position = end
    return "".join((*pieces, text[position:]))


class Document:
    """One document of a stream, with its `---` and the comments up to the next.

    Its text is what stands in the source from `start` to its end; or, when something was taken out of another document, that
    one's text with the edits.
    """

    __slots__ = ("_before", "_edits", "_end", "_source", "_text", "_tree", "start")

    def __init__(self, source: Source, start: int, end: int) -> None:
        self._source = source
        self.start = start
        self._end = end
        self._text: str | None = None  # a slice of the source, made when it is asked for: streams are long
        self._before: Document | None = None
        self._edits: list[Edit] = []
        self._tree: Tree | None = None  # kept by `parse_once`, and of a document made by `without`: trees are large

    @property
    def text(self) -> str:
        """The document's text."""
        return self._source.text[self.start : self._end] if self._text is None else self._text

    @property
    def stream_text(self) -> str:
        """The text of the whole stream that the document is in."""
        return self._source.text

    @property
    def begins_line(self) -> bool:
        """Whether the document begins at a line feed, which every program takes for the end of a line, or with the text."""
        return self.start == 0 or self._source.text[self.start - 1] == "\n"

    def place(self, offset: int) -> Place:
        """Return the place in the source of the character at `offset` of the text."""
        for start, end, new in self._edits:
            if start <= offset:
                offset += end - start - len(new)
        return self._before.place(offset) if self._before else self._source.place(self.start + offset)

    def parse(self) -> Tree:
        """Return the document's tree; raises ManifestError, with the place, for what `parsing.parse` refuses."""
        if self._tree is not None:
            return self._tree
        try:
            tree = parse(self.text)
        except ParseError as error:
            raise ManifestError(error.message, self.place(error.offset)) from None
        if self._before is not None:
            self._tree = tree
        return tree

    def parse_once(self) -> Tree:
        """Return the tree as `parse` does, and keep it: for a document that several steps of a run read."""
        self._tree = self.parse()
        return self._tree

    def validate(self) -> None:
        """Raise ManifestError, with the place, if the text is not YAML."""
        try:
            validate(self.text)
        except ParseError as error:
            raise ManifestError(error.message, self.place(error.offset)) from None

    def without(self, spans: list[Span]) -> "Document":
        """Return the document less those spans (sorted, apart from each other) of its text."""
        return self.edited([Edit(start, end, "") for start, end in spans])

    def edited(self, edits: list[Edit]) -> "Document":
        """Return the document with those edits (sorted, apart from each other) of its text."""
        document = Document(self._source, self.start, self._end)
        document._text = edited(self.text, edits)
        document._before = self
        document._edits = edits
        return document


def split(source: Source) -> list[Document]:
    """Return the documents of a stream; put together again they are its text. Raises ManifestError for text before a directive
    that is not YAML."""
    text = source.text
    starts = _starts_by_parsing(source) if "%" in text and re.search(_DIRECTIVE, text) else _starts_by_lines(text)
    if not starts or starts[0] != 0:
        starts.insert(0, 0)
    starts.append(len(text))
    return [Document(source, start, end) for start, end in pairwise(starts) if start < end]


def _starts_by_lines(text: str) -> list[int]:
    starts = []
    found = text.find("---")
    while found >= 0:
        dashes = _DASHES.match(text, found)
        end = dashes.end() if dashes else len(text)
        if end - found == 3 and (not found or text[found - 1] in BREAKS) and (end == len(text) or text[end] in f" \t{BREAKS}"):
            starts.append(found)
        found = text.find("---", end)
    return starts


def _starts_by_parsing(source: Source) -> list[int]:
    starts, depth = [], 0
    try:
        parser = libyaml.parser(source.text)
        while (event := parser.get_event()) is not None:
            if isinstance(event, Event.DocumentStartEvent) and event.explicit:
                starts.append(event.start_mark.index)
            elif isinstance(event, Event.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    raise ParseError(f"nested more than {MAX_DEPTH} levels deep", event.start_mark.index)
            elif isinstance(event, Event.CollectionEndEvent):
                depth -= 1
    except YAMLError as error:
        message, offset = libyaml.problem(source.text, error)
        raise ManifestError(message, source.place(offset)) from None
    except ParseError as error:
        raise ManifestError(error.message, source.place(error.offset)) from None
    return starts
