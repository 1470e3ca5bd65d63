"""Secrets in manifests that people are shown: which documents hold one, and on which lines.

A difference is often read where others read along, such as the log of a CI run.
"""

from bisect import bisect_right

from sidecar_plugin.errors import ManifestError
from sidecar_plugin.yamledit.access import scalar_text
from sidecar_plugin.yamledit.documents import split
from sidecar_plugin.yamledit.nodes import Mapping, Scalar, Target, walk
from sidecar_plugin.yamledit.source import Source

_CONTENT = ("data", "stringData", "metadata")


def may_hold_secret(text: str) -> bool:
    """Say whether a Secret can be in `text`; its kind can be written with escapes."""
    return "Secret" in text or "\\" in text


def secrets(root: Target | None) -> list[Mapping]:
    """Return the Secrets of a document, items of lists included."""
    nodes = walk(root) if root else ()
    return [node for node in nodes if isinstance(node, Mapping) and scalar_text(node, "kind") == "Secret"]


def secret_lines(source: Source) -> frozenset[int]:
    """Return the lines of a text, counted from 0, that hold what is in a Secret; its first line stays where it holds none."""
    text = source.text
    if not may_hold_secret(text):
        return frozenset()
    breaks = [index for index, character in enumerate(text) if character == "\n"]
    lines = set[int]()
    for document in split(source):
        if not may_hold_secret(document.text):
            continue
        try:
            found = secrets(document.parse().root)
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
