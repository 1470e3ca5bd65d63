"""Secrets in manifests that people are shown: which documents hold one, and on which lines.

A difference is often read where others read along, such as the log of a CI run.
"""

from bisect import bisect_right

from sidecar_plugin.errors import ManifestError
from sidecar_plugin.yamledit.access import scalar_text
from sidecar_plugin.yamledit.documents import Document, split
from sidecar_plugin.yamledit.nodes import Mapping, Scalar, walk
from sidecar_plugin.yamledit.source import Source

_CONTENT = ("data", "stringData", "metadata")


def secrets(document: Document) -> list[Mapping]:
    """Return the Secrets of a document, items of lists included. Raises ManifestError for text that is not YAML."""
    if "Secret" not in document.text and "\\" not in document.text:  # a kind can be written with escapes
        return []
    root = document.parse().root
    return [node for node in walk(root) if isinstance(node, Mapping) and scalar_text(node, "kind") == "Secret"] if root else []


def secret_lines(source: Source) -> frozenset[int]:
    """Return the lines of a text, counted from 0, that hold what is in a Secret; its first line stays where it holds none."""
    text = source.text
    if "Secret" not in text and "\\" not in text:
        return frozenset()
    breaks = [index for index, character in enumerate(text) if character == "\n"]
    lines = set[int]()
    for document in split(source):
        try:
            found = secrets(document)
        except ManifestError:
            continue  # such a text is refused before it is shown
        for secret in found:
            first = bisect_right(breaks, document.start + secret.first - 1)
            end = document.start + secret.end
            last = bisect_right(breaks, end - 1)
            own_line = text[text.rfind("\n", 0, end) + 1 : end].strip() != ""
            lines.update(range(first + _says_nothing(secret), last + own_line))
    return frozenset(lines)


def _says_nothing(secret: Mapping) -> bool:
    """Say whether the first line of a Secret holds nothing of it but a field such as `kind`."""
    if not secret.pairs:
        return True
    key, value = secret.pairs[0]
    return not secret.flow and key.value not in _CONTENT and isinstance(value, Scalar) and value.style not in ("|", ">")
