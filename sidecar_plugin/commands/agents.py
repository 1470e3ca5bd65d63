"""`sidecar-plugin agents [NAME]`: the agents there are, or one agent's values."""

from typing import TYPE_CHECKING

from sidecar_plugin.agents.agent import VALUES, AgentFolder
from sidecar_plugin.agents.folders import AgentFolders
from sidecar_plugin.commands import Command
from sidecar_plugin.errors import UsageError, did_you_mean
from sidecar_plugin.runtime.console import write

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


class _Agents:
    summary = "the agents there are, or one agent's values"
    description = "List the agents, or show one agent's values with their meaning."

    def configure(self, parser: "ArgumentParser") -> None:
        parser.add_argument("name", nargs="?", metavar="NAME")
        parser.add_argument("--templates", metavar="DIR", action="append", default=[], help="a folder of further agents")

    def run(self, arguments: "Namespace") -> int:
        """Print the list or the agent; return the exit status. Raises UsageError for an agent that does not exist."""
        templates = tuple(arguments.templates)
        write((describe(arguments.name, templates) if arguments.name else overview(templates)).encode())
        return 0


COMMAND: Command = _Agents()


README = "README.md"


def overview(templates: tuple[str, ...]) -> str:
    """Return a line per agent: its name and the first sentence of its README."""
    folders = AgentFolders(templates)
    names = folders.names()
    width = max(map(len, names), default=0)
    lines = [f"{name.ljust(width)}  {_summary(folders.folder(name))}".rstrip() for name in names]
    return "".join(f"{line}\n" for line in [*lines, "", "`sidecar-plugin agents NAME` shows an agent's values."])


def describe(name: str, templates: tuple[str, ...]) -> str:
    """Return an agent's README and its documented values, as they stand below `agents.NAME`. Raises UsageError."""
    folders = AgentFolders(templates)
    folder = folders.folder(name) if name in folders.names() else None
    if folder is None:
        known = folders.names()
        raise UsageError(f'there is no agent "{name}"{did_you_mean(name, known) or "; there are " + ", ".join(known)}')
    files = folder.read()
    values = "".join(f"    {line}\n" if line else "\n" for line in files.get(VALUES, "").splitlines())
    switch = "    # The agent's switch.\n    enabled: false\n"
    return f"{files.get(README, '').rstrip()}\n\nValues, with their defaults:\n\nagents:\n  {name}:\n{switch}{values}"


def _summary(folder: AgentFolder | None) -> str:
    readme = folder.read().get(README, "") if folder else ""
    paragraphs = [line for line in readme.splitlines() if line and not line.startswith("#")]
    return paragraphs[0].split(". ")[0].rstrip(".") if paragraphs else ""
