"""Agents as folders on disk: the built-in ones and those of `--templates`."""

from pathlib import Path

from sidecar_plugin.agents import TEMPLATE, AgentFolder
from sidecar_plugin.errors import Place, TemplateError, UsageError
from sidecar_plugin.source import Source

_PACKAGE = Path(__file__).resolve().parent
MAX_FILE = 1_000_000  # bytes; an agent's text files are a few KB


def built_in_templates() -> Path:
    """Return the folder of the built-in agents: inside the installed package, or beside it in a checkout."""
    installed = _PACKAGE / "templates"
    return installed if installed.is_dir() else _PACKAGE.parent / "templates"


class AgentFolders:
    """The agents of several folders of agents; a later folder replaces agents of an earlier one."""

    __slots__ = ("_roots",)

    def __init__(self, extra: list[str]) -> None:
        """Raise UsageError for a folder that is not there or holds no agent."""
        self._roots = [built_in_templates(), *map(Path, extra)]
        for root in self._roots[1:]:
            if not root.is_dir():
                raise UsageError(f"--templates {root}: there is no such folder")
            if not _agents_of(root):
                raise UsageError(f"--templates {root}: no folder in it holds an {TEMPLATE}")

    def names(self) -> list[str]:
        """Return the names of all agents, sorted."""
        return sorted({name for root in self._roots for name in _agents_of(root)})

    def folder(self, name: str) -> AgentFolder | None:
        """Return the files of one agent. Raises TemplateError for a file that is no text."""
        for root in reversed(self._roots):
            if (root / name / TEMPLATE).is_file():
                return _read(name, root / name)
        return None


def _agents_of(root: Path) -> list[str]:
    return [path.name for path in root.iterdir() if (path / TEMPLATE).is_file()]


def _read(name: str, folder: Path) -> AgentFolder:
    files = {}
    for path in sorted(folder.iterdir()):
        if not path.is_file() or path.name.startswith("."):
            continue
        if path.stat().st_size > MAX_FILE:
            raise TemplateError(f"the file is larger than {MAX_FILE} bytes", Place(str(path), 1, 1))
        files[path.name] = Source.decode(str(path), path.read_bytes()).text
    return AgentFolder(name, str(folder), files)
