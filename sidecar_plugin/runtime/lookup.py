"""Finding files and folders by their paths so that the links of other users lead nowhere.

Whoever can write in a folder can put a link in the place of a file at any moment, also between a check and a write. So on Linux
each path is walked on descriptors, one component at a time. A link is followed if the user or root owns it, or if its owner
owns what it leads to (what Apache calls SymLinksIfOwnerMatch). Other systems look paths up by name.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from sidecar_plugin.runtime.folders import FOLDER, HAS_DESCRIPTORS, Entry, Folder, identity_of, state_of

_ENTRY = getattr(os, "O_PATH", 0) | getattr(os, "O_NOFOLLOW", 0)
_MAX_LINKS = 40  # as path_resolution(7)


class Lookup:
    """Finds files, and remembers their folders: a run looks up many files of one folder.

    With `root`, links below that folder must lead to what is below it. With `made`, folders that are missing are made, and each
    is noted there before.
    """

    __slots__ = ("_folders", "_made", "_root")

    def __init__(self, root: str | None = None, made: list[Entry] | None = None) -> None:
        self._root = root
        self._made = made
        self._folders: dict[str, Folder] = {}

    def find(self, path: str) -> Entry:
        """Return where the file of a path is or is to be, behind all links. Raises OSError.

        The path is below the root if there is one.
        """
        if not HAS_DESCRIPTORS:
            folder, name = os.path.split(os.path.realpath(os.path.join(self._root or "", path)))
            if self._root is not None and os.path.commonpath((folder, top := os.path.realpath(self._root))) != top:
                raise _leads_out(self._root)
            return Entry(find_folder(folder, self._made), name)
        parent, name = os.path.split(path)
        if name in ("", ".", ".."):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        known = self._folders.get(parent)
        if known is None:
            with _walk(self._root, parent, self._made) as walk:
                known = self._folders[parent] = walk.folder()
        if not _is_link(known, name):
            return Entry(known, name)
        with _walk(self._root, parent, self._made) as walk:
            name = walk.last(name)
            walk.check_below()
            return Entry(walk.folder(), name, walk.is_stream)


def read_file(path: str) -> bytes:
    """Return what a file holds that the user named; it may be a pipe. Raises OSError."""
    with open(Lookup().find(path).open(is_file=False), "rb") as file:
        return file.read()


def find_folder(path: str, made: list[Entry] | None = None) -> Folder:
    """Return the folder of a path. With `made`, make folders that are missing, and note each there before. Raises OSError."""
    if not HAS_DESCRIPTORS:
        if made is not None:
            _make_folders(path, made)
        return Folder(os.path.realpath(path))
    with _walk(None, path, made) as walk:
        return walk.folder()


def _is_link(folder: Folder, name: str) -> bool:
    with folder.opened() as descriptor:
        state = state_of(folder.at(name), descriptor)
        return state is not None and stat.S_ISLNK(state.st_mode)


def _make_folders(path: str, made: list[Entry]) -> None:
    """Make folders that are missing, by their paths."""
    missing = []
    while path and not os.path.lexists(path):
        missing.append(path)
        path = os.path.dirname(path)
    for each in reversed(missing):
        made.append(Entry(Folder(os.path.dirname(each)), os.path.basename(each)))
        try:
            os.mkdir(each)
        except FileExistsError:
            made.pop()  # it is another run's


class _Walk:
    """Where a walk has come to: the descriptor of a folder, a path to it, and how many links it followed."""

    __slots__ = ("descriptor", "is_stream", "links", "path", "root")

    def __init__(self, start: str) -> None:
        self.path = "/" if start.startswith("/") else ""
        self.descriptor = os.open(self.path or ".", FOLDER)
        self.links = 0
        self.is_stream = False
        self.root: tuple[str, tuple[int, int], int] | None = None

    def folder(self) -> Folder:
        """Return the folder it has come to."""
        return Folder(self.path or ".", identity_of(os.fstat(self.descriptor)))

    def stay_below(self, root: str) -> None:
        """From here on, links must lead to what is below this folder."""
        self.root = root, identity_of(os.fstat(self.descriptor)), self.links

    def check_below(self) -> None:
        """Raise PermissionError if links lead out of the root."""
        if self.root is None:
            return
        path, identity, links = self.root
        if self.links > links and not _is_below(self.descriptor, identity):
            raise _leads_out(path)

    def go(self, path: str, made: list[Entry] | None = None) -> None:
        """Go through all folders of a path."""
        if path.startswith("/"):
            self._enter(os.open("/", FOLDER), "/")
        for name in path.split("/"):
            if name not in ("", "."):
                self._step(name, made)

    def last(self, path: str) -> str:
        """Go through the folders of a path, and behind a link that the last name may be; return the name there."""
        folder, name = os.path.split(path)
        self.go(folder)
        if name in ("", ".", ".."):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        try:
            descriptor = os.open(name, _ENTRY, dir_fd=self.descriptor)
        except FileNotFoundError:
            return name
        try:
            link = self._link(descriptor)
        finally:
            os.close(descriptor)
        if link is None:
            return name
        if link.text is None:
            self.is_stream = True
        else:
            name = self.last(link.text)
        try:
            state = os.stat(name, dir_fd=self.descriptor, follow_symlinks=self.is_stream)
        except FileNotFoundError:
            state = os.fstat(self.descriptor)
        _check_owner(link.owner, state)
        return name

    def _step(self, name: str, made: list[Entry] | None) -> None:
        try:
            descriptor = os.open(name, _ENTRY, dir_fd=self.descriptor)
        except FileNotFoundError:
            if made is None:
                raise
            descriptor = self._make(name, made)
        link = self._link(descriptor)
        path = os.path.join(self.path, name)
        if link is None:
            self._enter(descriptor, path)
            return
        os.close(descriptor)
        if link.text is None:
            self._enter(os.open(name, FOLDER, dir_fd=self.descriptor), path)
        else:
            self.go(link.text)
        _check_owner(link.owner, os.fstat(self.descriptor))

    def _make(self, name: str, made: list[Entry]) -> int:
        self.check_below()
        made.append(Entry(self.folder(), name))
        try:
            os.mkdir(name, dir_fd=self.descriptor)
        except FileExistsError:
            made.pop()  # it is another run's
        return os.open(name, _ENTRY, dir_fd=self.descriptor)

    def _link(self, descriptor: int) -> "_Link | None":
        """Return what an entry is if it is a link."""
        state = os.fstat(descriptor)
        if not stat.S_ISLNK(state.st_mode):
            return None
        self.links += 1
        if self.links > _MAX_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        return _Link(state.st_uid, None if _is_of_kernel(state) else os.readlink("", dir_fd=descriptor))

    def _enter(self, descriptor: int, path: str) -> None:
        previous, self.descriptor, self.path = self.descriptor, descriptor, path
        os.close(previous)


class _Link(NamedTuple):
    """A link: who made it, and where it leads; None for one of /proc, which only the kernel can follow (proc(5), `fd`)."""

    owner: int
    text: str | None


@contextmanager
def _walk(root: str | None, path: str, made: list[Entry] | None) -> Iterator[_Walk]:
    """Walk to a folder, of which the path is below the root if there is one. Raises OSError."""
    walk = _Walk(path if root is None else root)
    try:
        if root is not None:
            walk.go(root, made)
            walk.stay_below(root)
        walk.go(path, made)
        walk.check_below()
        yield walk
    finally:
        os.close(walk.descriptor)


def _is_of_kernel(link: os.stat_result) -> bool:
    try:
        return link.st_dev == os.stat("/proc/self/fd").st_dev
    except OSError:
        return False


def _leads_out(root: str) -> PermissionError:
    return PermissionError(errno.EPERM, f"a link leads out of {root}, and nothing is written there")


def _check_owner(owner: int, state: os.stat_result) -> None:
    """Raise PermissionError for a link of another user to what is not theirs."""
    if owner not in (0, os.geteuid(), state.st_uid):
        raise PermissionError(
            errno.EPERM, "a link of another user leads to what is not theirs, and is not followed; name the file itself"
        )


def _is_below(descriptor: int, top: tuple[int, int]) -> bool:
    """Say whether a folder is the one with this device and inode or below it, by going up."""
    descriptor = os.dup(descriptor)
    try:
        while (here := identity_of(os.fstat(descriptor))) != top:
            above = os.open("..", FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = above
            if identity_of(os.fstat(descriptor)) == here:
                return False
        return True
    finally:
        os.close(descriptor)
