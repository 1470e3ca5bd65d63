"""The commands that a Markdown document shows, and running them.

In a ```console block a line that begins with `$ ` is a command, lines that begin with `> ` go on with it, and what follows is
its output, standard output and standard error together. In shown output a line `...` stands for any lines, `…` for any text
within a line; a command without shown output just has to succeed. A command has to end with 0 unless an error is shown.

The block's second word may be `helm3`: then `helm` is Helm 3. Or it is a tool that not every test run has (`helmfile`, `tofu`);
its commands are run by that tool's own test. Any other block whose second word is a file's name is that file, written before
the commands below it run. Blocks in ```shell are not run.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tests.support.real_tools import Shell

_BLOCK = re.compile(r"^```(?P<language>\S*)(?: (?P<word>\S+))?\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_ERROR = re.compile(r"^ *(?:sidecar-plugin: error: |[Ee]rror: )", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Command:
    """A command, the output shown below it, and its block's second word: helm3, helm4 where there is none, or a tool."""

    line: str
    shown: str
    helm: str

    @property
    def fails(self) -> bool:
        """Whether the document shows the command to fail."""
        return _ERROR.search(self.shown) is not None


@dataclass(frozen=True, slots=True)
class File:
    """A file that a document shows whole."""

    name: str
    text: str


def steps(document: Path) -> Iterator[Command | File]:
    """Yield the files and commands of a document, in order."""
    for block in _BLOCK.finditer(document.read_text()):
        language, word, body = block["language"], block["word"], block["body"]
        if language == "console":
            yield from _commands(body, word or "helm4")
        elif word:
            yield File(word, body)


def commands(document: Path) -> list[Command]:
    """Return the commands of a document."""
    return [step for step in steps(document) if isinstance(step, Command)]


def shell_lines(document: Path) -> list[str]:
    """Return the lines of the ```shell blocks, which are shown but not run."""
    bodies = [block["body"] for block in _BLOCK.finditer(document.read_text()) if block["language"] == "shell"]
    return [line for body in bodies for line in body.splitlines() if line]


def _commands(body: str, helm: str) -> Iterator[Command]:
    line, shown = "", ""
    for text in body.splitlines():
        if text.startswith("$ "):
            if line:
                yield Command(line, shown, helm)
            line, shown = text[2:], ""
        elif text.startswith("> ") and not shown:
            line += f"\n{text[2:]}"
        else:
            shown += f"{text}\n"
    if line:
        yield Command(line, shown, helm)


def with_helm(shell: Shell, helm: Path) -> Shell:
    """Return the shell with `helm` being that program."""
    folder = shell.folder / f".{helm.name}-as-helm"
    folder.mkdir(exist_ok=True)
    link = folder / "helm"
    if not link.exists():
        link.symlink_to(helm)
    return replace(shell, environment={**shell.environment, "PATH": f"{folder}:{shell.environment['PATH']}"})


def run(shell: Shell, command: Command) -> str:
    """Run a command to the end that its document shows, and return all it wrote.

    Raises AssertionError when it ends otherwise, or writes something else than is shown.
    """
    done = shell.run("bash", "-c", f"exec 2>&1\n{command.line}")
    assert (done.status != 0) == command.fails, f"$ {command.line}\nended with {done.status}:\n{done.stdout}"
    if command.shown:
        assert matches(command.shown, done.stdout), (
            f"$ {command.line}\nwrote:\n{done.stdout}\nbut the document shows:\n{command.shown}"
        )
    return done.stdout


def matches(shown: str, written: str) -> bool:
    """Say whether a document's shown output is that of a command: `...` and `…` stand for anything."""
    return _pattern(shown).fullmatch(_stripped(written)) is not None


def _stripped(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.rstrip().splitlines())


def _pattern(shown: str) -> re.Pattern[str]:
    lines = _stripped(shown).splitlines()
    return re.compile("".join("(?:.*\n)*?" if line == "..." else f"{_line(line)}\n" for line in lines))


def _line(shown: str) -> str:
    return ".*".join(map(re.escape, shown.split("…")))
