"""What can go wrong in a way that the user can mend.

Every error carries the place it was found at and says how to mend it; `cli.main` is the only one that catches them all
and turns them into a message and an exit status.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple


class Place(NamedTuple):
    """A position in a named text; line and column count from 1, as editors do."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class SidecarPluginError(Exception):
    """A mistake the user can mend: `message` says what, `place` where, `field` names the field's path."""

    exit_status = 1

    def __init__(self, message: str, place: Place | None = None, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.field = field

    def __str__(self) -> str:
        """Return place, field and message as one line of bounded length, whatever the names in them hold."""
        text = f"{self.field}: {self.message}" if self.field else self.message
        return one_line(shortened(f"{self.place}: {text}" if self.place else text))


class ManifestError(SidecarPluginError):
    """A manifest that is not YAML, or cannot be edited without doubt."""


class SettingsError(SidecarPluginError):
    """A setting that is unknown, of the wrong type or impossible."""


class VersionError(SidecarPluginError):
    """A cluster version that is missing or no version."""


class TemplateError(SidecarPluginError):
    """An agent's template that does not render, or renders to something that is no agent."""


class DeclarationError(SidecarPluginError):
    """A declaration that the cluster or the workload cannot take."""


class ClashError(SidecarPluginError):
    """Something of the agent's and something of the pod's want the same name or place."""


class UsageError(SidecarPluginError):
    """A command line that asks for something the program does not offer, or that the system refuses."""

    exit_status = 2


MAX_MESSAGE = 4000  # characters


def shortened(text: str) -> str:
    """Return a message without its middle if it is longer than MAX_MESSAGE: a name in it can have a million characters."""
    half = MAX_MESSAGE // 2
    return text if len(text) <= MAX_MESSAGE else f"{text[:half]} […] {text[-half:]}"


def visible(text: str) -> str:
    """Return a text of several lines with everything that could steer a terminal written as escapes.

    Kept are line feeds and tabs. Escaped are the other control characters (C0, C1), other line breaks, characters that change
    the direction of the text, and what CI services take for a command: `::error` behind nothing but blanks, `##[error]` and
    `##vso[` anywhere in a line.
    """
    text = _without_ci_commands(text)
    if text.isascii() and all(line.isprintable() for line in text.split("\n")):  # as nearly always
        return text
    return _NOT_ASCII.sub(lambda found: found[0] if found[0] in "\n\t" or _is_plain(found[0]) else _escape(found[0]), text)


def one_line(text: str) -> str:
    """Return a text, such as a name from a manifest, as one line: `visible`, with line feeds and tabs escaped too."""
    text = _without_ci_commands(text)
    if text.isascii() and text.isprintable():
        return text
    return _NOT_ASCII.sub(lambda found: found[0] if _is_plain(found[0]) else _escape(found[0]), text)


def _without_ci_commands(text: str) -> str:
    return _CI_COMMAND.sub(r"\\", text) if "::" in text or "##" in text else text


def _is_plain(character: str) -> bool:
    return character.isprintable() and character not in _DIRECTIONS


_CI_COMMAND = re.compile(r"^(?=[ \t]*::)|(?<=##)(?=\[)|(?<=##vso)(?=\[)", re.MULTILINE)
"""Where a CI service would see a command. GitHub's runner takes blanks before `::`, and `##[` anywhere: ActionCommand.cs of
actions/runner. Azure Pipelines takes `##vso[` anywhere."""
_NOT_ASCII = re.compile(r"[^ -~]")  # and not printable ASCII
_DIRECTIONS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def _escape(character: str) -> str:
    short = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(character)
    code = ord(character)
    return short or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def first_of(names: list[str], most: int) -> str:
    """Return names as a message lists them: the first `most`, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean "X"?` for the known word nearest to `word`, or "" when none is near."""
    from difflib import get_close_matches  # needed on errors only

    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f'; did you mean "{near[0]}"?' if near else ""
