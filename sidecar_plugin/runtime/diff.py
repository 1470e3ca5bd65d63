"""Differences between texts, for people: unified, in colour on a terminal, with no secrets."""

import os
import sys
from difflib import unified_diff
from typing import NamedTuple

from sidecar_plugin.errors import one_line, visible

_COLOURS = {"@": "36", "-": "31", "+": "32"}
_HEADER = "1"
"""First letters of lines and their colours (ECMA-48, select graphic rendition), as in `git diff`; the first two are bold."""


class Side(NamedTuple):
    """One of two texts, and what it is called."""

    name: str
    text: str


def unified(before: Side, after: Side) -> str:
    """Return the difference of two texts, "" if there is none; in colour where `in_colour` says so."""
    texts = (_lines(visible(before.text)), _lines(visible(after.text)))  # a difference is for people, on a terminal or in a log
    lines = unified_diff(*texts, one_line(before.name), one_line(after.name))
    whole = (line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
    if in_colour():
        whole = (_coloured(line, _HEADER if index < 2 else _COLOURS.get(line[0])) for index, line in enumerate(whole))
    return "".join(whole)


def in_colour() -> bool:
    """Say whether standard output is to be in colour: on a terminal, unless NO_COLOR is set (https://no-color.org)."""
    return (
        sys.stdout is not None and sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )


def _coloured(line: str, colour: str | None) -> str:
    return f"\x1b[{colour}m{line[:-1]}\x1b[m\n" if colour else line


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    return [*(f"{line}\n" for line in lines[:-1]), *lines[-1:][: bool(lines[-1])]]
