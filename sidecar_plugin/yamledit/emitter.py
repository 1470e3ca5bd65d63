"""Plain data as YAML text to insert: block lines beside block neighbours, JSON inside flow collections.

A string is written plain only where every YAML reader, 1.1 or 1.2, takes it for a string; else it is quoted as JSON does,
which YAML reads too (YAML 1.2.2, 1.2 "Relation to JSON"). Text of several lines becomes a literal block where that is exact.
"""

import json
import re
from typing import Any

# The patterns that are strings are for rare text: compiling them takes longer than the rest of a small chart's writing.
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@+=-]*(?::[A-Za-z0-9_./@+=-]+)*")
_RESERVED = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"))
_LITERAL = r"[^\s\x00-\x1f][^\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]*"
_TO_ESCAPE = r"[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"


MAX_KEPT = 1000


def quoted(text: str) -> str:
    """Return `text` in double quotes, escapes as JSON writes them."""
    return flow(text)


def flow(data: Any) -> str:
    """Return `data` as JSON on one line, which is YAML's flow style too."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False)
    if text.isascii() and "\x7f" not in text:
        return text
    return re.sub(_TO_ESCAPE, lambda found: f"\\u{ord(found[0]):04x}", text)


def scalar(value: Any) -> str:
    """Return a string, number, boolean or None as one word of block style."""
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) and value.lower() not in _RESERVED:
            return value
        if '"' in value and value.isascii() and value.isprintable():
            return "'" + value.replace("'", "''") + "'"
        return quoted(value)
    return json.dumps(value, allow_nan=False)


def block(data: Any, column: int, indent_lists: int = 0, literal: bool = True) -> list[str]:
    """Return `data`, a mapping or list that is not empty, as lines that stand at `column`.

    `indent_lists` is how far the dashes of a list stand behind the column of its key; `literal` allows literal blocks.
    """
    return Emitter().block(data, column, indent_lists, literal)


class Emitter:
    """Writes blocks, and keeps the lines of the collections that it has written.

    A stream gets the same container a thousand times; to write it anew each time takes a fifth of the run. A collection is
    known by its identity, so whoever hands it over must not change it afterwards.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[tuple[int, str, str, bool], tuple[Any, list[str]]] = {}

    def block(self, data: Any, column: int, indent_lists: int = 0, literal: bool = True) -> list[str]:
        """Return what the function `block` returns."""
        return self._entries(data, " " * column, " " * indent_lists, literal)

    def _lines(self, data: Any, margin: str, list_margin: str, literal: bool) -> list[str]:
        key = (id(data), margin, list_margin, literal)
        known, lines = self._known.get(key, (None, []))
        if known is not data:
            lines = self._entries(data, margin, list_margin, literal)
            if len(self._known) >= MAX_KEPT:
                self._known.clear()
            self._known[key] = data, lines
        return lines

    def _entries(self, data: Any, margin: str, list_margin: str, literal: bool) -> list[str]:
        lines: list[str] = []
        if isinstance(data, dict):
            for key, value in data.items():
                name = f"{margin}{scalar(key)}:"
                if isinstance(value, (dict, list)) and value:
                    lines.append(name)
                    below = margin + ("  " if isinstance(value, dict) else list_margin)
                    lines += self._lines(value, below, list_margin, literal)
                else:
                    _write_leaf(name, value, margin, literal, lines)
            return lines
        for item in data:
            if isinstance(item, (dict, list)) and item:
                first = len(lines)
                lines += self._lines(item, margin + "  ", list_margin, literal)
                lines[first] = f"{margin}- {lines[first].lstrip(' ')}"
            else:
                _write_leaf(f"{margin}-", item, margin, literal, lines)
        return lines


def _write_leaf(name: str, value: Any, margin: str, literal: bool, lines: list[str]) -> None:
    if isinstance(value, (dict, list)):
        lines.append(f"{name} {'{}' if isinstance(value, dict) else '[]'}")
    elif isinstance(value, str) and "\n" in value and literal and (chomp := _chomping(value)) is not None:
        lines.append(f"{name} |{chomp}")
        lines.extend(f"{margin}  {line}" if line else "" for line in value.removesuffix("\n").split("\n"))
    else:
        lines.append(f"{name} {scalar(value)}")


def _chomping(text: str) -> str | None:
    """Return the chomping indicator that makes a literal block of exactly this text, None if there is none."""
    is_plain = text[:1].strip() and text.replace("\n", "").isprintable()
    if not (is_plain or re.fullmatch(_LITERAL, text)) or text.endswith("\n\n"):
        return None
    if any(line.isspace() for line in text.split("\n")):
        return None
    return "" if text.endswith("\n") else "-"
