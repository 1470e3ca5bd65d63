"""`sidecar-plugin completion SHELL`: what a shell needs to complete the program's words."""

import argparse
from typing import TYPE_CHECKING

import shtab

from sidecar_plugin.commands import MODULES, Command, load
from sidecar_plugin.commands.arguments import PROGRAM, add_options, parser, parser_of
from sidecar_plugin.runtime.console import write

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


class _Completion:
    summary = "what bash, zsh or fish needs to complete the program's words"
    description = (
        "Print a script that makes a shell complete the program's commands, options and files.\n\n"
        "  bash:  sidecar-plugin completion bash > ~/.local/share/bash-completion/completions/sidecar-plugin\n"
        "  zsh:   sidecar-plugin completion zsh > a folder of $fpath/_sidecar-plugin\n"
        "  fish:  sidecar-plugin completion fish > ~/.config/fish/completions/sidecar-plugin.fish"
    )

    def configure(self, parser: "ArgumentParser") -> None:
        parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))

    def run(self, arguments: "Namespace") -> int:
        """Print the shell's script; return the exit status. Raises UsageError for a shell that is not known."""
        write(script(arguments.shell).encode())
        return 0


COMMAND: Command = _Completion()


SHELLS = ("bash", "zsh", "fish")


_COMPLETED = {"FILE": shtab.FILE, "PATH": shtab.FILE, "DIR": shtab.DIRECTORY}
"""How a value is completed, by what the help calls it."""


def script(shell: str) -> str:
    """Return the script for one of SHELLS."""
    return shtab.complete(whole_parser(), shell)


def whole_parser() -> argparse.ArgumentParser:
    """Return the program's parser: the filter's options, and below it the parser of each command."""
    whole = parser("", "")
    whole.prog = PROGRAM
    whole.add_argument("--version", action="store_true", help="show the version")
    add_options(whole)
    _complete_values(whole)
    below = whole.add_subparsers(metavar="COMMAND")
    for name in MODULES:
        made = parser_of(name, load(name))
        first_line = (made.description or "").strip().partition("\n")[0]
        _complete_values(below.add_parser(name, help=first_line, parents=[made], add_help=False))
    return whole


def _complete_values(made: argparse.ArgumentParser) -> None:
    for action in made._actions:
        if isinstance(action.metavar, str) and action.metavar in _COMPLETED:
            action.complete = _COMPLETED[action.metavar]  # type: ignore[attr-defined]  # where shtab looks for it
