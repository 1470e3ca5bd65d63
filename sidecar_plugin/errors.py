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
        text = f"{self.field}: {self.message}" if self.field else self.message
        return f"{self.place}: {text}" if self.place else text


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


_CONTROLS = "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f]"


def visible(text: str) -> str:
    """Return the text with control characters written as escapes, but for line breaks and tabs.

    What manifests and names of files hold must not steer a terminal.
    """
    if all(line.isprintable() for line in text.split("\n")):  # as nearly always, and no pattern is compiled
        return text
    return re.sub(_CONTROLS, lambda found: f"\\x{ord(found[0]):02x}", text)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean "X"?` for the known word nearest to `word`, or "" when none is near."""
    from difflib import get_close_matches  # needed on errors only

    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f'; did you mean "{near[0]}"?' if near else ""
