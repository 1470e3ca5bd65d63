"""Agents as folders on disk: the built-in ones and those of `--templates`.

Written with os.path, as all that every run imports: pathlib costs 3 ms.
"""

import os
from functools import partial

from sidecar_plugin.agents.agent import TEMPLATE, AgentFolder
from sidecar_plugin.errors import Place, TemplateError, UsageError
from sidecar_plugin.yamledit.source import Source

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MAX_FILE = 1_000_000  # bytes; an agent's text files are a few KB


def built_in_templates() -> str:
    """Return the folder of the built-in agents: inside the installed package, or beside it in a checkout."""
    installed = os.path.join(_PACKAGE, "templates")
    return installed if os.path.isdir(installed) else os.path.join(os.path.dirname(_PACKAGE), "templates")


class AgentFolders:
    """The agents of several folders of agents; a later folder replaces agents of an earlier one."""

    __slots__ = ("_built_in", "_roots")

    def __init__(self, extra: tuple[str, ...]) -> None:
        """Raise UsageError for a folder that is not there or holds no agent."""
        self._built_in = built_in_templates()
        self._roots = [self._built_in, *extra]
        for root in extra:
            if not os.path.isdir(root):
                raise UsageError(f"--templates {root}: there is no such folder")
            if not _agents_of(root):
                raise UsageError(f"--templates {root}: no folder in it holds an {TEMPLATE}")

    def names(self) -> list[str]:
        """Return the names of all agents, sorted."""
        return sorted({name for root in self._roots for name in _agents_of(root)})

    def folder(self, name: str) -> AgentFolder | None:
        """Return the files of one agent; reading them raises TemplateError for a file that is no text."""
        for root in reversed(self._roots):
            folder = os.path.join(root, name)
            if os.path.isfile(os.path.join(folder, TEMPLATE)):
                is_built_in = root is self._built_in
                return AgentFolder(name, folder, _signature(folder), partial(_read, folder), is_built_in=is_built_in)
        return None


def _agents_of(root: str) -> list[str]:
    return [name for name in os.listdir(root) if os.path.isfile(os.path.join(root, name, TEMPLATE))]


def _signature(folder: str) -> str:
    """Return what changes whenever a file of the folder does: names, sizes and times, as Python tells its own caches."""
    with os.scandir(folder) as entries:
        states = sorted(
            (entry.name, entry.stat().st_size, entry.stat().st_mtime_ns) for entry in entries if entry.name[0] != "."
        )
    return f"{os.path.realpath(folder)} {states}"


def _read(folder: str) -> dict[str, str]:
    files = {}
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if not os.path.isfile(path) or name.startswith("."):
            continue
        if os.path.getsize(path) > MAX_FILE:
            raise TemplateError(f"the file is larger than {MAX_FILE} bytes", Place(path, 1, 1))
        with open(path, "rb") as file:
            files[name] = Source.decode(path, file.read()).text
    return files
