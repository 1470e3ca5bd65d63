"""The commands: one module each, or one folder whose `command.py` is that module.

To add a command, write a module with a `COMMAND` and add its line to `MODULES`. The command line, `--help` and shell completion
read this registry. A module is imported only when its command is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


class Command(Protocol):
    """What a command offers to the command line."""

    @property
    def summary(self) -> str:
        """One line for the list of commands in `sidecar-plugin --help`."""

    @property
    def description(self) -> str:
        """The text at the top of the command's own `--help`."""

    def configure(self, parser: "ArgumentParser") -> None:
        """Add the command's options and arguments to its parser."""

    def run(self, arguments: "Namespace") -> int:
        """Run the command with its parsed arguments; return the exit status. Raises SidecarPluginError."""


MODULES: dict[str, str] = {
    "inject": "inject.command",
    "uninject": "uninject",
    "convert": "convert.command",
    "check": "check.command",
    "agents": "agents",
    "images": "images",
    "from-daemonset": "from_daemonset.command",
    "export-policy": "export_policy.command",
    "schema": "schema",
    "verify": "verify.command",
    "completion": "completion",
    "helm": "helm.command",
}
"""The commands by name, in the order of `--help`, and the module of each."""


def load(name: str) -> Command:
    """Return the command of a name in MODULES."""
    command: Command = import_module(f"{__name__}.{MODULES[name]}").COMMAND
    return command
