"""Writing files so that whatever happens leaves whole ones: the old content or the new, nothing between.

All new contents are on the disk, in scratch files beside their targets, before the first target is replaced. A full disk or a
run that is killed before that changes nothing. One that is killed while files are replaced leaves some old and some new, each
whole; the same command once more does the rest.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from sidecar_plugin.errors import UsageError


def replace_files(contents: Iterable[tuple[Path, bytes]]) -> None:
    """Write each file its content; permissions, owner and symbolic links stay, folders that are missing are made.

    Raises UsageError, with no file replaced, for one that cannot be written.
    """
    written: list[tuple[Path, Path]] = []
    try:
        for path, data in contents:
            target = path.resolve()
            scratch = target.with_name(f".{target.name}.{os.getpid()}.tmp")
            written.append((scratch, target))
            try:
                _write(scratch, target, data)
            except OSError as error:
                raise UsageError(f"{path}: {error.strerror or error}") from None
        for scratch, target in written:
            try:
                scratch.replace(target)
            except OSError as error:
                raise UsageError(f"{target}: {error.strerror or error}") from None
        for folder in {target.parent for _, target in written}:
            _sync(folder)
    finally:
        for scratch, _ in written:
            with suppress(OSError):
                scratch.unlink(missing_ok=True)


def _write(scratch: Path, target: Path, data: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with scratch.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    if target.exists():
        state = target.stat()
        if hasattr(os, "chown") and (state.st_uid, state.st_gid) != (os.geteuid(), os.getegid()):
            with suppress(PermissionError):  # who may not give files away writes one of his own, as an editor does
                os.chown(scratch, state.st_uid, state.st_gid)
        scratch.chmod(state.st_mode)


def _sync(folder: Path) -> None:
    """Have the folder's new entries on the disk, where a folder can be opened for that."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
