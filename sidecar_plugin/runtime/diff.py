"""Differences between texts, for people: unified, in colour on a terminal, with no secrets."""

import os
import sys
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

from sidecar_plugin.errors import one_line, visible
from sidecar_plugin.runtime.secrets import secret_lines
from sidecar_plugin.yamledit.source import Source

_COLOURS = {"@": "36", "-": "31", "+": "32"}
_HEADER = "1"
"""First letters of lines and their colours (ECMA-48, select graphic rendition), as in `git diff`; the first two are bold."""
_NOT_SHOWN = "(a line that holds a Secret is not shown)\n"


class Side(NamedTuple):
    """One of two texts, and what it is called."""

    name: str
    text: str


def unified(before: Side, after: Side, colour: str = "auto") -> str:
    """Return the difference of two texts, "" if there is none; in colour where `in_colour` says so.

    Lines of Secrets are no context: a hunk ends before them. A changed line that holds a Secret is not shown.
    """
    lines = [line for hunk in hunks(before, after) for line in _written(hunk)]
    if lines:
        lines = [f"--- {one_line(before.name)}\n", f"+++ {one_line(after.name)}\n", *lines]
    whole = (line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
    if in_colour(colour):
        whole = (_coloured(line, _HEADER if index < 2 else _COLOURS.get(line[0])) for index, line in enumerate(whole))
    return "".join(whole)


class Line(NamedTuple):
    """A line of a hunk: its sign, its index in both texts, what is shown of it."""

    sign: str
    before: int
    after: int
    text: str


def hunks(before: Side, after: Side) -> list[list[Line]]:
    """Return the changed parts of two texts with three lines of context, as `unified` shows them."""
    if before.text == after.text:
        return []
    texts = (_lines(visible(before.text)), _lines(visible(after.text)))  # a difference is for people, on a terminal or in a log
    hidden = [secret_lines(Source(side.name, side.text)) for side in (before, after)]
    return list(_hunks(*texts, *hidden))


def _hunks(before: list[str], after: list[str], secret: frozenset[int], new_secret: frozenset[int]) -> Iterator[list[Line]]:
    """Yield the changed parts with three lines of context, cut where a line of context is one of a Secret."""
    for group in _Matcher(None, before, after).get_grouped_opcodes(3):
        hunk = list[Line]()
        for tag, first, end, new_first, new_end in group:
            if tag == "equal":
                for index in range(first, end):
                    if index in secret:
                        yield from _changed(hunk)
                        hunk = []
                    else:
                        hunk.append(Line(" ", index, new_first + index - first, before[index]))
                continue
            for index in range(first, end):
                hunk.append(Line("-", index, new_first, _NOT_SHOWN if index in secret else before[index]))
            for index in range(new_first, new_end):
                hunk.append(Line("+", end, index, _NOT_SHOWN if index in new_secret else after[index]))
        yield from _changed(hunk)


_Opcode = tuple[Literal["replace", "delete", "insert", "equal"], int, int, int, int]
_LARGE = 2000  # lines


class _Matcher(SequenceMatcher[str]):
    """Compares large texts piece by piece, between lines that stand once in both: difflib alone takes quadratic time."""

    a: list[str]
    b: list[str]

    def get_opcodes(self) -> list[_Opcode]:
        if len(self.a) + len(self.b) <= _LARGE:
            return super().get_opcodes()
        found: list[_Opcode] = []
        start, new_start = 0, 0
        for index, new_index in [*_anchors(self.a, self.b), (len(self.a), len(self.b))]:
            old, new = self.a[start:index], self.b[new_start:new_index]
            if len(old) * len(new) > _LARGE**2:
                pieces: list[_Opcode] = [("replace", 0, len(old), 0, len(new))]
            else:
                pieces = SequenceMatcher(None, old, new).get_opcodes()
            found += [(tag, a + start, b + start, c + new_start, d + new_start) for tag, a, b, c, d in pieces]
            if index < len(self.a):
                found.append(("equal", index, index + 1, new_index, new_index + 1))
            start, new_start = index + 1, new_index + 1
        return _merged(found)


def _anchors(before: list[str], after: list[str]) -> list[tuple[int, int]]:
    """Return the places of lines that stand once in both texts, as many as come in the same order (patience diff)."""
    places = _once(after)
    pairs = [(index, places[line]) for line, index in _once(before).items() if line in places]
    tops: list[int] = []  # the smallest last place of a chain of each length
    ends: list[int] = []  # the pair with that place
    previous: list[int] = []
    for number, (_, place) in enumerate(pairs):
        length = bisect_left(tops, place)
        tops[length : length + 1] = [place]
        previous.append(ends[length - 1] if length else -1)
        ends[length : length + 1] = [number]
    chain = []
    number = ends[-1] if ends else -1
    while number >= 0:
        chain.append(pairs[number])
        number = previous[number]
    return chain[::-1]


def _once(lines: list[str]) -> dict[str, int]:
    """Return the lines that stand once, in their order, with their places."""
    counts = Counter(lines)
    return {line: index for index, line in enumerate(lines) if counts[line] == 1}


def _merged(opcodes: list[_Opcode]) -> list[_Opcode]:
    """Return the opcodes with neighbours of one kind as one."""
    merged: list[_Opcode] = []
    for tag, first, end, new_first, new_end in opcodes:
        if merged and merged[-1][0] == tag:
            merged[-1] = (tag, merged[-1][1], end, merged[-1][3], new_end)
        else:
            merged.append((tag, first, end, new_first, new_end))
    return merged


def _changed(hunk: list[Line]) -> Iterator[list[Line]]:
    if any(line.sign != " " for line in hunk):
        yield hunk


def _written(hunk: list[Line]) -> Iterator[str]:
    removed, added = (sum(line.sign != sign for line in hunk) for sign in "+-")
    yield f"@@ -{_range(hunk[0].before, removed)} +{_range(hunk[0].after, added)} @@\n"
    for line in hunk:
        yield line.sign + line.text


def _range(start: int, length: int) -> str:
    """Return what a unified difference says of so many lines (POSIX, `diff -u`): lines count from 1, and one is not counted."""
    return f"{start + 1}" if length == 1 else f"{start + bool(length)},{length}"


def in_colour(wanted: str = "auto") -> bool:
    """Say whether standard output is to be in colour: `always`, `never`, or as terminal and environment say.

    NO_COLOR (https://no-color.org) wins over FORCE_COLOR (https://force-color.org), as in Python itself; without both a
    terminal has colours.
    """
    if wanted in ("always", "never"):
        return wanted == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout is not None and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def _coloured(line: str, colour: str | None) -> str:
    return f"\x1b[{colour}m{line[:-1]}\x1b[m\n" if colour else line


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    return [*(f"{line}\n" for line in lines[:-1]), *lines[-1:][: bool(lines[-1])]]
