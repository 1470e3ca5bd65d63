"""`sidecar-plugin agents [NAME]`: the agents there are, one agent's values, or an example of its settings."""

from typing import TYPE_CHECKING

from sidecar_plugin.agents.agent import VALUES, AgentFolder
from sidecar_plugin.agents.folders import AgentFolders
from sidecar_plugin.commands import Command
from sidecar_plugin.errors import UsageError, did_you_mean, one_line, visible
from sidecar_plugin.runtime.console import write

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


class _Agents:
    summary = "the agents there are, or one agent's values"
    description = "List the agents, or show one agent's values with their meaning."

    def configure(self, parser: "ArgumentParser") -> None:
        parser.add_argument("name", nargs="?", metavar="NAME")
        parser.add_argument("--example", metavar="EXAMPLE", help="print settings of the agent NAME that work, for --config")
        parser.add_argument("--templates", metavar="DIR", action="append", default=[], help="a folder of further agents")

    def run(self, arguments: "Namespace") -> int:
        """Print what is asked for; return the exit status. Raises UsageError for an agent or example that does not exist."""
        templates = tuple(arguments.templates)
        if arguments.example is not None:
            if not arguments.name:
                raise UsageError("--example needs an agent: sidecar-plugin agents NAME --example EXAMPLE")
            text = example(arguments.name, arguments.example, templates)
        else:
            text = describe(arguments.name, templates) if arguments.name else overview(templates)
        write(text.encode())
        return 0


COMMAND: Command = _Agents()


README = "README.md"
EXAMPLES = "examples.yaml"
"""Examples of an agent: SidecarInjection documents, each beginning with the comment `# NAME: what it is for`."""


def overview(templates: tuple[str, ...]) -> str:
    """Return a line per agent: its name and the first sentence of its README."""
    folders = AgentFolders(templates)
    names = folders.names()
    width = max(map(len, names), default=0)
    lines = [one_line(f"{name.ljust(width)}  {_summary(folders.folder(name))}".rstrip()) for name in names]
    return "".join(f"{line}\n" for line in [*lines, "", "`sidecar-plugin agents NAME` shows an agent's values."])


def describe(name: str, templates: tuple[str, ...]) -> str:
    """Return an agent's README and its documented values, as they stand below `agents.NAME`. Raises UsageError."""
    files = _files(name, templates)
    examples = _examples(files)
    listed = "".join(f"    {key}: {summary}\n" for key, (summary, _) in examples.items())
    shown = f"\nExamples, printed by `sidecar-plugin agents {name} --example EXAMPLE`:\n\n{listed}" if examples else ""
    values = "".join(f"    {line}\n" if line else "\n" for line in files.get(VALUES, "").splitlines())
    switch = "    # The agent's switch.\n    enabled: false\n"
    readme = files.get(README, "").rstrip()
    return visible(f"{readme}\n\nValues, with their defaults:\n\nagents:\n  {name}:\n{switch}{values}{shown}")


def example(name: str, wanted: str, templates: tuple[str, ...]) -> str:
    """Return one of an agent's examples, a SidecarInjection document. Raises UsageError for a name that is unknown."""
    examples = _examples(_files(name, templates))
    if wanted not in examples:
        known = did_you_mean(wanted, examples) or (f"; there are {', '.join(examples)}" if examples else "; it has none")
        raise UsageError(f'the agent {name} has no example "{wanted}"{known}')
    return examples[wanted][1]


def _examples(files: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Return the summary and the text of each example by its name."""
    texts = [text for text in files.get(EXAMPLES, "").split("---\n") if text.startswith("# ")]
    heads = [text.partition("\n")[0].removeprefix("# ").partition(": ") for text in texts]
    return {name: (summary, text) for (name, _, summary), text in zip(heads, texts, strict=True)}


def _files(name: str, templates: tuple[str, ...]) -> dict[str, str]:
    """Return an agent's files by their names. Raises UsageError for an agent of no such name."""
    folders = AgentFolders(templates)
    folder = folders.folder(name) if name in folders.names() else None
    if folder is None:
        known = folders.names()
        raise UsageError(f'there is no agent "{name}"{did_you_mean(name, known) or "; there are " + ", ".join(known)}')
    return folder.read()


def _summary(folder: AgentFolder | None) -> str:
    readme = folder.read().get(README, "") if folder else ""
    paragraphs = [line for line in readme.splitlines() if line and not line.startswith("#")]
    return paragraphs[0].split(". ")[0].rstrip(".") if paragraphs else ""
