"""A named text: from the bytes of a file to characters, and from an offset to the place a user can find.

Manifests are read as UTF-8, the encoding that kubectl, Helm and kustomize read. A byte order mark is kept and given back.
"""

import re
from array import array
from bisect import bisect_right

from sidecar_plugin.errors import ManifestError, Place

_LINE_BREAK = r"\r\n|\n|\r"
_OTHER_ENCODINGS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_MARK = b"\xef\xbb\xbf"


class Source:
    """A text, the name users know it by, and where its lines start."""

    __slots__ = ("_line_starts", "mark", "name", "text")

    def __init__(self, name: str, text: str, mark: bytes = b"") -> None:
        self.name = name
        self.text = text
        self.mark = mark
        self._line_starts: array[int] | None = None

    @classmethod
    def decode(cls, name: str, data: bytes) -> "Source":
        """Return the text of `data`.

        Raises ManifestError for UTF-16, UTF-32, bytes that are no UTF-8, a second mark and NUL characters, each with its place.
        """
        for mark, encoding in _OTHER_ENCODINGS:
            if data.startswith(mark):
                raise ManifestError(f"the text is {encoding}; save it as UTF-8", Place(name, 1, 1))
        mark = _MARK if data.startswith(_MARK) else b""
        try:
            source = cls(name, data[len(mark) :].decode(), mark)
        except UnicodeDecodeError as error:
            before = cls(name, error.object[: error.start].decode())
            message = f"byte 0x{error.object[error.start]:02x} is not UTF-8 ({error.reason}); save the text as UTF-8"
            raise ManifestError(message, before.place(error.start)) from None
        if source.text.startswith("\ufeff"):
            raise ManifestError("a second byte order mark; take it out", source.place(0))
        nul = source.text.find("\0")
        if nul >= 0:
            raise ManifestError("a NUL character, which YAML does not allow (is this UTF-16?)", source.place(nul))
        return source

    def encode(self, text: str) -> bytes:
        """Return `text` as this source's bytes were: with the byte order mark if there was one."""
        return self.mark + text.encode()

    def place(self, offset: int) -> Place:
        """Return the place of the character at `offset`."""
        if self._line_starts is None:
            self._line_starts = array("q", [0])
            self._line_starts.extend(found.end() for found in re.finditer(_LINE_BREAK, self.text))
        offset = min(offset, len(self.text))
        line = bisect_right(self._line_starts, offset)
        return Place(self.name, line, offset - self._line_starts[line - 1] + 1)
