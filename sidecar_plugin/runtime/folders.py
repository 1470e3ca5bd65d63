"""Folders and the names in them, on descriptors where the system has them: what is opened or made is in that very folder.

`lookup` finds them by their paths.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

HAS_DESCRIPTORS = hasattr(os, "O_PATH") and os.open in os.supports_dir_fd
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)  # O_EXCL follows no link either
NO_LINK = _NO_FOLLOW | getattr(os, "O_NONBLOCK", 0)  # a FIFO is opened at once, and then refused
FOLDER = getattr(os, "O_PATH", 0) | getattr(os, "O_DIRECTORY", 0)


def identity_of(state: os.stat_result) -> tuple[int, int]:
    """Return the device and the inode of a file or folder."""
    return state.st_dev, state.st_ino


def state_of(name: str, folder: int | None) -> os.stat_result | None:
    """Return the state of what has a name, a link's own; None if nothing has it. Raises OSError."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


class Folder(NamedTuple):
    """A folder: the path that it was reached by, and its device and inode, None on systems without descriptors."""

    path: str
    identity: tuple[int, int] | None = None

    def open(self) -> int | None:
        """Return a descriptor of this very folder for `dir_fd`, None on systems without. Raises OSError."""
        if self.identity is None:
            return None
        descriptor = os.open(self.path, FOLDER)
        if identity_of(os.fstat(descriptor)) == self.identity:
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
        return Folder(os.path.join(self.path, name), None if self.identity is None else identity_of(state))

    def at(self, name: str) -> str:
        """Return how a call that gets the descriptor names what is in the folder."""
        return os.path.join(self.path, name) if self.identity is None else name


class Entry(NamedTuple):
    """A name in a folder, whether something has it or not; `is_stream` says that it is a link of /proc to an open file."""

    folder: Folder
    name: str
    is_stream: bool = False

    def open(self, *, is_file: bool) -> int:
        """Open it for reading, as a regular file unless it may be a pipe or a device. Raises OSError."""
        no_wait = getattr(os, "O_NONBLOCK", 0) if is_file else 0
        flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | no_wait | (0 if self.is_stream else _NO_FOLLOW)
        with self.folder.opened() as folder:
            descriptor = os.open(self.folder.at(self.name), flags, dir_fd=folder)
            try:
                state = os.fstat(descriptor)
                if is_file and not stat.S_ISREG(state.st_mode):
                    raise OSError(errno.EINVAL, "is no regular file")
                if folder is not None:
                    check_names(state, os.fstat(folder))
            except BaseException:
                os.close(descriptor)
                raise
        return descriptor


def remove_folders(made: list[Entry]) -> None:
    """Remove the folders that were made, the last one first, as far as they are empty."""
    for entry in reversed(made):
        with suppress(OSError), entry.folder.opened() as descriptor:
            os.rmdir(entry.folder.at(entry.name), dir_fd=descriptor)


def check_names(state: os.stat_result, folder: os.stat_result) -> None:
    """Raise PermissionError for a file with several names, one of them in a folder where another user may have put it.

    Systems on which one may link what one does not own (`fs.protected_hardlinks=0`) are rare, but there are some.
    """
    theirs = folder.st_uid not in (0, os.geteuid()) or folder.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if state.st_nlink > 1 and theirs and state.st_uid != folder.st_uid and not stat.S_ISDIR(state.st_mode):
        raise PermissionError(
            errno.EPERM, "a hard link, in a folder of other users, to what is not theirs; copy the file there"
        )
