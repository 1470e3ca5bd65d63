"""Writing files so that whatever happens leaves whole ones: the old content or the new, nothing between.

All new contents are on the disk, in scratch files beside their targets, before the first target is replaced. A full disk, a
file that cannot be replaced or a signal changes nothing; once files are being replaced, a signal waits until all of them are. A
run that is killed (SIGKILL, no power) in these moments leaves some old and some new, each whole, and hidden files named
`.sidecar-plugin-…` that nobody reads; the same command once more does the rest.
"""

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from sidecar_plugin.errors import UsageError
from sidecar_plugin.runtime.signals import put_off, tidily


class Replacement(NamedTuple):
    """A file and its new content; `before` is what it must hold until then, None if it may hold anything."""

    path: Path
    content: bytes
    before: bytes | None = None


class _Written(NamedTuple):
    """A new content on the disk: where it goes, by what name users know that, and what stood there when it was written."""

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
    made: list[str] = []

    def take_away() -> None:
        for each in written:
            with suppress(OSError):
                os.unlink(each.scratch)
        for folder in reversed(made):
            with suppress(OSError):
                os.rmdir(folder)

    with tidily(take_away):
        for replacement in replacements:
            try:
                _write(replacement, written, made)
            except OSError as error:
                raise UsageError(f"{replacement.path}: {error.strerror or error}") from None
        with put_off():
            _replace(written)
            made.clear()


def _write(replacement: Replacement, written: list[_Written], made: list[str]) -> None:
    """Write the content beside its target. Raises OSError, and UsageError for a target that is not to be replaced."""
    path = replacement.path
    target = os.path.realpath(path)
    state = _state(target)
    if state is not None and not stat.S_ISREG(state.st_mode):
        raise UsageError(f"{path}: is no regular file, so it cannot be replaced; write to another place with --output-dir")
    if replacement.before is not None and (state is None or Path(target).read_bytes() != replacement.before):
        raise UsageError(f"{path}: has changed since it was read; run the command again")
    folder = os.path.dirname(target)
    _make_folders(folder, made)
    scratch = os.path.join(folder, scratch_name())
    written.append(_Written(scratch, target, path, state))
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(scratch, flags, 0o666 if state is None else 0o600)  # of a Secret nobody reads along meanwhile
    with open(descriptor, "wb") as file:
        file.write(replacement.content)
        file.flush()
        os.fsync(file.fileno())
    if state is not None:
        _take_after(scratch, target, state)


def _state(target: str) -> os.stat_result | None:
    try:
        return os.stat(target)
    except FileNotFoundError:
        return None


def _make_folders(folder: str, made: list[str]) -> None:
    missing = []
    while folder and not os.path.isdir(folder) and not os.path.lexists(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for each in reversed(missing):
        made.append(each)
        try:
            os.mkdir(each)
        except FileExistsError:
            made.pop()  # it is another run's


def _take_after(scratch: str, target: str, state: os.stat_result) -> None:
    """Give the scratch file the target's owner, extended attributes (access control lists are among them) and permissions."""
    if hasattr(os, "chown") and (state.st_uid, state.st_gid) != (os.geteuid(), os.getegid()):
        with suppress(PermissionError):  # who may not give files away writes one of his own, as an editor does
            os.chown(scratch, state.st_uid, state.st_gid)
    if hasattr(os, "listxattr"):
        with suppress(OSError):  # not every file system has them
            for name in os.listxattr(target):
                with suppress(OSError):
                    os.setxattr(scratch, name, os.getxattr(target, name))
    os.chmod(scratch, state.st_mode)


def _replace(written: list[_Written]) -> None:
    """Put all that was written in its place. Raises UsageError, with what was replaced before put back."""
    kept: list[tuple[str, _Written]] = []
    try:
        for each in written:
            if _changed(each):
                raise UsageError(f"{each.path}: has changed since it was read; run the command again")
        for each in written:
            old = f"{each.scratch[:-4]}.old"
            try:
                if each.state is not None:
                    _keep(each.target, old)
                kept.append((old, each))
                os.replace(each.scratch, each.target)
            except OSError as error:
                raise UsageError(f"{each.path}: {error.strerror or error}") from None
    except UsageError:
        for old, each in reversed(kept):
            with suppress(OSError):
                if each.state is not None:
                    os.replace(old, each.target)
                elif not os.path.lexists(each.scratch):
                    os.unlink(each.target)
        raise
    finally:
        for old, _ in kept:
            with suppress(OSError):
                os.unlink(old)
    for folder in {os.path.dirname(each.target) for each in written}:
        _sync(folder)


def _changed(each: _Written) -> bool:
    now = _state(each.target)
    if now is None or each.state is None:
        return now is not each.state
    return (now.st_ino, now.st_size, now.st_mtime_ns) != (each.state.st_ino, each.state.st_size, each.state.st_mtime_ns)


def _keep(target: str, old: str) -> None:
    """Keep the target under another name; a copy where the file system knows no second name of a file."""
    try:
        os.link(target, old)
    except OSError:
        from shutil import copy2

        try:
            copy2(target, old)
        except OSError:
            with suppress(OSError):
                os.unlink(old)
            raise


def _sync(folder: str) -> None:
    """Have the folder's new entries on the disk, where a folder can be opened for that."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
