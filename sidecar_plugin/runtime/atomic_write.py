"""Writing files so that whatever happens leaves whole ones: the old content or the new, nothing between.

All new contents are on the disk, in scratch files beside their targets, before the first target is replaced. A full disk, a
file that cannot be replaced or a signal changes nothing; once files are being replaced, a signal waits until all of them are. A
run that is killed (SIGKILL, no power) in these moments leaves some old and some new, each whole, and hidden files named
`.sidecar-plugin-…` that nobody reads; the same command once more does the rest.

Folders may belong to other users, who can change them at any moment. So a file is reached through its opened folder, what is
written has a new name that nobody can foresee, and owner, permissions and attributes go from one opened file to another.
"""

import errno
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from sidecar_plugin.errors import UsageError
from sidecar_plugin.runtime.file_attributes import take_after
from sidecar_plugin.runtime.folders import NEW_FILE, Entry, Folder, identity_of, remove_folders, state_of
from sidecar_plugin.runtime.lookup import Lookup
from sidecar_plugin.runtime.signals import deferred, with_cleanup


class Replacement(NamedTuple):
    """A file and its new content; `before` is what it must hold until then, None if it may hold anything.

    With a `root` the path is below that folder, and no link there leads out of it.
    """

    path: Path
    content: bytes
    before: bytes | None = None
    root: str | None = None

    @property
    def shown(self) -> Path:
        """The path by which users know the file."""
        return self.path if self.root is None else Path(self.root) / self.path


class _Written(NamedTuple):
    """A new content on the disk: where it goes, by what name users know that, and what stood there when it was written."""

    folder: Folder
    scratch: str
    target: str
    path: Path
    state: os.stat_result | None


def scratch_name() -> str:
    """Return a name that nobody can foresee, of a hidden file that no run reads."""
    return f".sidecar-plugin-{os.urandom(8).hex()}.tmp"


def replace_files(replacements: Iterable[Replacement]) -> None:
    """Write each file its content; permissions, owner, extended attributes and symbolic links stay, missing folders are made.

    Raises UsageError, with no file replaced, for one that cannot be written, or that has changed since it was read.
    """
    written: list[_Written] = []
    made: list[Entry] = []
    lookups: dict[str | None, Lookup] = {}

    def cleanup() -> None:
        for each in written:
            _unlink(each.folder, each.scratch)
        remove_folders(made)

    with with_cleanup(cleanup):
        for replacement in replacements:
            root = replacement.root
            lookup = lookups.get(root) or lookups.setdefault(root, Lookup(root, made))
            try:
                _write(replacement, lookup, written)
            except OSError as error:
                raise UsageError(f"{replacement.shown}: {error.strerror or error}") from None
        with deferred():
            _replace(written)
            made.clear()


def _write(replacement: Replacement, lookup: Lookup, written: list[_Written]) -> None:
    """Write the content beside its target. Raises OSError, and UsageError for a target that is not to be replaced."""
    path = replacement.shown
    entry = lookup.find(os.fspath(replacement.path))
    folder, scratch = entry.folder, scratch_name()
    target = folder.at(entry.name)
    with folder.opened() as at:
        state = state_of(target, at)
        if state is not None and not stat.S_ISREG(state.st_mode):
            raise UsageError(f"{path}: is no regular file, so it cannot be replaced; write to another place with --output-dir")
        if replacement.before is not None and (state is None or _content(entry, state) != replacement.before):
            raise UsageError(f"{path}: has changed since it was read; run the command again")
        written.append(_Written(folder, scratch, entry.name, path, state))
        mode = 0o666 if state is None else 0o600  # of a Secret nobody reads along meanwhile
        with open(os.open(folder.at(scratch), NEW_FILE, mode, dir_fd=at), "wb") as file:
            file.write(replacement.content)
            file.flush()
            if state is not None:
                take_after(file.fileno(), target, at, state)
            os.fsync(file.fileno())


def _content(entry: Entry, state: os.stat_result) -> bytes | None:
    """Return what the file that was in this state holds, None if another one has its name by now. Raises OSError."""
    with open(entry.open(is_file=True), "rb") as file:
        return file.read() if identity_of(os.fstat(file.fileno())) == identity_of(state) else None


def _unlink(folder: Folder, name: str) -> None:
    with suppress(OSError), folder.opened() as at:
        os.unlink(folder.at(name), dir_fd=at)


def _replace(written: list[_Written]) -> None:
    """Put all that was written in its place. Raises UsageError, with what was replaced before put back."""
    kept: list[tuple[str, _Written]] = []
    try:
        for step in (_check_unchanged, _replace_one):
            for each in written:
                try:
                    step(each, kept)
                except OSError as error:
                    raise UsageError(f"{each.path}: {error.strerror or error}") from None
    except UsageError:
        for old, each in reversed(kept):
            with suppress(OSError):
                _put_back(each, old)
        raise
    finally:
        for old, each in kept:
            if each.state is not None:
                _unlink(each.folder, old)
    for folder in {each.folder for each in written}:
        _sync(folder)


def _replace_one(each: _Written, kept: list[tuple[str, _Written]]) -> None:
    with each.folder.opened() as at:
        old = scratch_name()
        if each.state is not None:
            _keep(each, each.state, old, at)
        kept.append((old, each))
        os.replace(each.folder.at(each.scratch), each.folder.at(each.target), src_dir_fd=at, dst_dir_fd=at)


def _put_back(each: _Written, old: str) -> None:
    with each.folder.opened() as at:
        target = each.folder.at(each.target)
        if each.state is not None:
            os.replace(each.folder.at(old), target, src_dir_fd=at, dst_dir_fd=at)
        elif state_of(each.folder.at(each.scratch), at) is None:
            os.unlink(target, dir_fd=at)


def _check_unchanged(each: _Written, _: object) -> None:
    with each.folder.opened() as at:
        now, before = state_of(each.folder.at(each.target), at), each.state
    if now is None or before is None:
        changed = now is not before
    else:
        changed = (now.st_ino, now.st_size, now.st_mtime_ns) != (before.st_ino, before.st_size, before.st_mtime_ns)
    if changed:
        raise UsageError(f"{each.path}: has changed since it was read; run the command again")


def _keep(each: _Written, state: os.stat_result, old: str, at: int | None) -> None:
    """Keep the target under another name; a copy where the file system knows no second name of a file."""
    target, name = each.folder.at(each.target), each.folder.at(old)
    try:
        os.link(target, name, src_dir_fd=at, dst_dir_fd=at, follow_symlinks=os.link not in os.supports_follow_symlinks)
        return
    except OSError:
        content = _content(Entry(each.folder, each.target), state)
    if content is None:
        raise OSError(errno.ESTALE, "another file has come in its place")
    try:
        with open(os.open(name, NEW_FILE, 0o600, dir_fd=at), "wb") as file:
            file.write(content)
            file.flush()
            take_after(file.fileno(), target, at, state)
    except OSError:
        _unlink(each.folder, old)
        raise


def _sync(folder: Folder) -> None:
    """Have the folder's new entries on the disk, where a folder can be opened for that. Raises UsageError."""
    if os.name != "posix":
        return
    try:
        with folder.opened() as at:
            descriptor = os.open(folder.at("."), os.O_RDONLY, dir_fd=at)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that knows no such thing
            raise UsageError(f"{folder.path}: all files are written, but {error.strerror}") from None
    finally:
        os.close(descriptor)
