"""Folders, opened so that the links of other users lead nowhere.

Whoever can write in a folder can put a link in the place of a file at any moment, also between a check and a write. So on Linux
each path is walked on descriptors, one component at a time. A link is followed if the user or root owns it, or if its owner
owns what it leads to (what Apache calls SymLinksIfOwnerMatch). Other systems look paths up by name.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

HAS_DESCRIPTORS = hasattr(os, "O_PATH") and os.open in os.supports_dir_fd
NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # a FIFO must not hold the run up
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)  # O_EXCL follows no link either
_FOLDER = getattr(os, "O_PATH", 0) | getattr(os, "O_DIRECTORY", 0)
_ENTRY = getattr(os, "O_PATH", 0) | getattr(os, "O_NOFOLLOW", 0)
_MAX_LINKS = 40  # as path_resolution(7)


class Folder(NamedTuple):
    """A folder: the path that it was reached by, and its device and inode, None on systems without descriptors."""

    path: str
    identity: tuple[int, int] | None = None

    def open(self) -> int | None:
        """Return a descriptor of this very folder for `dir_fd`, None on systems without. Raises OSError."""
        if self.identity is None:
            return None
        descriptor = os.open(self.path, _FOLDER)
        if _identity(os.fstat(descriptor)) == self.identity:
            return descriptor
        os.close(descriptor)
        raise OSError(errno.ESTALE, "another folder has come in its place")

    @contextmanager
    def opened(self) -> Iterator[int | None]:
        """Open it, and close it behind the block. Raises OSError."""
        descriptor = self.open()
        try:
            yield descriptor
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def folder(self, name: str) -> "Folder":
        """Return a folder in it, which must be no link when it is opened. Raises OSError."""
        with self.opened() as descriptor:
            state = os.stat(self.at(name), dir_fd=descriptor, follow_symlinks=False)
        return Folder(os.path.join(self.path, name), None if self.identity is None else _identity(state))

    def at(self, name: str) -> str:
        """Return how a call that gets the descriptor names what is in the folder."""
        return os.path.join(self.path, name) if self.identity is None else name


class Entry(NamedTuple):
    """A name in a folder, whether something has it or not."""

    folder: Folder
    name: str


def find_folder(path: str, made: list[Entry] | None = None) -> Folder:
    """Return the folder of a path. With `made`, make folders that are missing, and note each there before. Raises OSError."""
    if not HAS_DESCRIPTORS:
        if made is not None:
            os.makedirs(path or ".", exist_ok=True)
        return Folder(os.path.realpath(path))
    walk = _Walk()
    try:
        walk.go(path, made)
        return walk.folder()
    finally:
        os.close(walk.descriptor)


def find_file(path: str, root: str | None = None, made: list[Entry] | None = None) -> Entry:
    """Return where the file of a path is or is to be, behind all links. Raises OSError.

    Links below the folder `root` must lead to what is below it. With `made`, make folders that are missing.
    """
    if not HAS_DESCRIPTORS:
        folder, name = os.path.split(os.path.realpath(path))
        return Entry(find_folder(folder, made), name)
    walk = _Walk()
    try:
        if root is None:
            name = walk.last(path, made)
            return Entry(walk.folder(), name)
        walk.go(root, made)
        top, links = walk.folder(), walk.links
        name = walk.last(os.path.relpath(path, root), made)
        if walk.links > links and not _is_below(walk.descriptor, top):
            raise PermissionError(errno.EPERM, f"a link leads out of {root}, and nothing is written there")
        return Entry(walk.folder(), name)
    finally:
        os.close(walk.descriptor)


def open_file(path: str) -> int:
    """Open a file for reading, without following a link of another user to what is not theirs. Raises OSError."""
    entry = find_file(path)
    with entry.folder.opened() as folder:
        return os.open(entry.folder.at(entry.name), os.O_RDONLY | NO_LINK | getattr(os, "O_BINARY", 0), dir_fd=folder)


def remove_folders(made: list[Entry]) -> None:
    """Remove the folders that were made, the last one first, as far as they are empty."""
    for folder, name in reversed(made):
        with suppress(OSError), folder.opened() as descriptor:
            os.rmdir(folder.at(name), dir_fd=descriptor)


class _Walk:
    """Where a walk has come to: the descriptor of a folder, a path to it, and how many links it followed."""

    __slots__ = ("descriptor", "links", "path")

    def __init__(self) -> None:
        self.descriptor = os.open(".", _FOLDER)
        self.path = ""
        self.links = 0

    def folder(self) -> Folder:
        """Return the folder it has come to."""
        return Folder(self.path or ".", _identity(os.fstat(self.descriptor)))

    def go(self, path: str, made: list[Entry] | None = None) -> None:
        """Go through all folders of a path."""
        if path.startswith("/"):
            self._enter(os.open("/", _FOLDER), "/")
        for name in path.split("/"):
            if name not in ("", "."):
                self._step(name, made)

    def last(self, path: str, made: list[Entry] | None = None) -> str:
        """Go through the folders of a path, and behind a link that the last name may be; return the name there."""
        folder, name = os.path.split(path)
        self.go(folder or (path[:1] if path[:1] == "/" else ""), made)
        if name in ("", ".", ".."):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        try:
            descriptor = os.open(name, _ENTRY, dir_fd=self.descriptor)
        except FileNotFoundError:
            return name
        try:
            owner, link = self._link(descriptor)
        finally:
            os.close(descriptor)
        if link is None:
            return name
        name = self.last(link)
        try:
            state = os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            state = os.fstat(self.descriptor)
        _check_owner(owner, state)
        return name

    def _step(self, name: str, made: list[Entry] | None) -> None:
        try:
            descriptor = os.open(name, _ENTRY, dir_fd=self.descriptor)
        except FileNotFoundError:
            if made is None:
                raise
            descriptor = self._make(name, made)
        owner, link = self._link(descriptor)
        if link is None:
            self._enter(descriptor, os.path.join(self.path, name))
            return
        os.close(descriptor)
        self.go(link)
        _check_owner(owner, os.fstat(self.descriptor))

    def _make(self, name: str, made: list[Entry]) -> int:
        made.append(Entry(self.folder(), name))
        try:
            os.mkdir(name, dir_fd=self.descriptor)
        except FileExistsError:
            made.pop()  # it is another run's
        return os.open(name, _ENTRY, dir_fd=self.descriptor)

    def _link(self, descriptor: int) -> tuple[int, str | None]:
        """Return the owner of an entry, and what it says if it is a link."""
        state = os.fstat(descriptor)
        if not stat.S_ISLNK(state.st_mode):
            return state.st_uid, None
        self.links += 1
        if self.links > _MAX_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        return state.st_uid, os.readlink("", dir_fd=descriptor)

    def _enter(self, descriptor: int, path: str) -> None:
        previous, self.descriptor, self.path = self.descriptor, descriptor, path
        os.close(previous)


def _identity(state: os.stat_result) -> tuple[int, int]:
    return state.st_dev, state.st_ino


def _check_owner(owner: int, state: os.stat_result) -> None:
    """Raise PermissionError for a link of another user to what is not theirs."""
    if owner not in (0, os.geteuid(), state.st_uid):
        raise PermissionError(errno.EPERM, "a link of another user leads to what is not theirs, and is not followed")


def _is_below(descriptor: int, top: Folder) -> bool:
    """Say whether a folder is `top` or below it, by going up."""
    descriptor = os.dup(descriptor)
    try:
        while (here := _identity(os.fstat(descriptor))) != top.identity:
            above = os.open("..", _FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = above
            if _identity(os.fstat(descriptor)) == here:
                return False
        return True
    finally:
        os.close(descriptor)
