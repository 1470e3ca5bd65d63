"""Agents as folders on disk: the built-in ones and those of `--templates`.

A folder of `--templates` may be written by others, so nothing outside it is read: the folders of agents are opened below it,
and their files below these, without following links.
"""

import os
import stat
from _blake2 import blake2b  # hashlib imports OpenSSL as well, which takes 5 ms of every run
from collections.abc import Iterator
from contextlib import contextmanager

from sidecar_plugin.agents.agent import TEMPLATE, AgentFolder
from sidecar_plugin.errors import Place, TemplateError, UsageError
from sidecar_plugin.runtime.folders import NO_LINK, Folder, check_names
from sidecar_plugin.yamledit.source import Source

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MAX_FILE = 1_000_000  # bytes; an agent's text files are a few KB
_HAS_DESCRIPTORS = os.open in os.supports_dir_fd and os.listdir in os.supports_fd


def built_in_templates() -> str:
    """Return the folder of the built-in agents: inside the installed package, or beside it in a checkout."""
    installed = os.path.join(_PACKAGE, "templates")
    return installed if os.path.isdir(installed) else os.path.join(os.path.dirname(_PACKAGE), "templates")


class AgentFolders:
    """The agents of several folders of agents; a later folder replaces agents of an earlier one."""

    __slots__ = ("_built_in", "_roots")

    def __init__(self, extra: tuple[str, ...]) -> None:
        """Raise UsageError for a folder that does not exist, cannot be read, or holds no agent."""
        self._built_in = Folder(built_in_templates())
        self._roots = [self._built_in, *map(_root, extra)]

    def names(self) -> list[str]:
        """Return the names of all agents, sorted."""
        return sorted({name for root in self._roots for name in _agents_of(root)})

    def folder(self, name: str) -> AgentFolder | None:
        """Return one agent with the content of its files, None if no folder holds it.

        Raises TemplateError for a link, for a file larger than MAX_FILE and for one that cannot be read.
        """
        for root in reversed(self._roots):
            with _open(root) as descriptor:
                if not _is_agent(root, name, descriptor):
                    continue
            is_built_in = root is self._built_in
            path = os.path.join(root.path, name)
            contents = _contents(root, name, follow_links=is_built_in)  # an installer may link the program's own files
            return AgentFolder(name, path, _signature(path, contents), _Reader(path, contents), is_built_in=is_built_in)
        return None


def _root(path: str) -> Folder:
    """Return a folder of agents. Raises UsageError."""
    from sidecar_plugin.runtime.lookup import find_folder  # late: most runs use the built-in agents

    try:
        found = find_folder(path)
        names = _agents_of(found)
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"--templates {path}: there is no such folder") from None
    except OSError as error:
        raise UsageError(f"--templates {path}: {error.strerror or error}") from None
    if not names:
        raise UsageError(f"--templates {path}: no folder in it holds an {TEMPLATE}")
    return Folder(path, found.identity)  # messages call it as the user does


@contextmanager
def _open(root: Folder) -> Iterator[int | None]:
    """Open a folder of agents again. Raises UsageError if another one has come in its place."""
    try:
        descriptor = root.open()
    except OSError as error:
        raise UsageError(f"--templates {root.path}: {error.strerror or error}") from None
    try:
        yield descriptor
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _agents_of(root: Folder) -> list[str]:
    with _open(root) as descriptor:
        return [name for name in _listed(root, descriptor) if _is_agent(root, name, descriptor)]


def _listed(folder: Folder, descriptor: int | None) -> list[str]:
    if descriptor is None:
        return os.listdir(folder.path)
    readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=descriptor)
    try:
        return os.listdir(readable)
    finally:
        os.close(readable)


def _is_agent(root: Folder, name: str, descriptor: int | None) -> bool:
    try:
        os.stat(os.path.join(root.at(name), TEMPLATE), dir_fd=descriptor, follow_symlinks=False)
    except OSError:
        return False
    return True


class _Reader:
    """Decodes the files of an agent when they are needed. Raises TemplateError for a file that is not text."""

    __slots__ = ("_contents", "_path")

    def __init__(self, path: str, contents: dict[str, bytes]) -> None:
        self._path = path
        self._contents = contents

    def __call__(self) -> dict[str, str]:
        return {name: Source.decode(os.path.join(self._path, name), data).text for name, data in self._contents.items()}


def _signature(path: str, contents: dict[str, bytes]) -> str:
    """Return the folder's path and a hash of its files' names and contents: the key of what a run keeps of an agent."""
    total = blake2b(digest_size=16)
    for name, data in contents.items():
        total.update(f"{len(name.encode(errors='surrogateescape'))} {len(data)} ".encode())
        total.update(name.encode(errors="surrogateescape"))
        total.update(data)
    return f"{os.path.abspath(path)} {total.hexdigest()}"


def _contents(root: Folder, agent: str, *, follow_links: bool) -> dict[str, bytes]:
    """Return the content of each file of an agent by its name, without hidden files and folders. Raises TemplateError."""
    contents = {}
    path = os.path.join(root.path, agent)
    with _opened(root, agent, follow_links) as (folder, names):
        for name in sorted(names):
            if name.startswith("."):
                continue
            data = _content(folder, path, name, 0 if follow_links else NO_LINK)
            if data is not None:
                contents[name] = data
    return contents


@contextmanager
def _opened(root: Folder, agent: str, follow_links: bool) -> Iterator[tuple[int | None, list[str]]]:
    """Open the folder; give its descriptor, None on a system that opens no files below one, and the names in it."""
    path = os.path.join(root.path, agent)
    with _open(root) as descriptor:
        if not follow_links and stat.S_ISLNK(os.stat(root.at(agent), dir_fd=descriptor, follow_symlinks=False).st_mode):
            raise _link_error(path, root.path)
        if not _HAS_DESCRIPTORS:
            yield None, os.listdir(path)
            return
        flags = os.O_RDONLY | os.O_DIRECTORY | (0 if follow_links else NO_LINK)
        try:
            folder = os.open(root.at(agent), flags, dir_fd=descriptor)
        except OSError as error:
            raise TemplateError(f"the agent's folder cannot be read: {error.strerror}", Place(path, 1, 1)) from None
    try:
        yield folder, os.listdir(folder)
    finally:
        os.close(folder)


def _content(folder: int | None, path: str, name: str, flags: int) -> bytes | None:
    """Return the content of a regular file, None for a folder. Raises TemplateError."""
    whole = os.path.join(path, name)
    place = Place(whole, 1, 1)
    at = whole if folder is None else name
    try:
        state = os.stat(at, dir_fd=folder, follow_symlinks=not flags)
        if stat.S_ISDIR(state.st_mode):
            return None
        if stat.S_ISLNK(state.st_mode):
            raise _link_error(whole, path)
        if not stat.S_ISREG(state.st_mode):
            raise TemplateError("this is not a regular file; an agent's folder holds text files only", place)
        with open(os.open(at, os.O_RDONLY | flags, dir_fd=folder), "rb") as file:
            state = os.fstat(file.fileno())
            if not stat.S_ISREG(state.st_mode):
                raise TemplateError("this is not a regular file; an agent's folder holds text files only", place)
            if folder is not None and flags:
                check_names(state, os.fstat(folder))
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        raise TemplateError(f"the file cannot be read: {error.strerror}", place) from None
    if len(data) > MAX_FILE:
        raise TemplateError(f"the file is larger than {MAX_FILE} bytes", place)
    return data


def _link_error(path: str, folder: str) -> TemplateError:
    return TemplateError(f"this is a link, and nothing outside {folder} is read; copy it there", Place(path, 1, 1))
