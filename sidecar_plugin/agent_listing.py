"""What `sidecar-plugin agents` shows: the agents there are, and one agent's documentation and values."""

from sidecar_plugin.agent_folders import AgentFolders
from sidecar_plugin.agents import VALUES, AgentFolder
from sidecar_plugin.errors import UsageError, did_you_mean

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
