"""Owner, permissions and extended attributes (access control lists are among them) of a file, for the one in its place."""

import os
import stat
from contextlib import suppress

from sidecar_plugin.runtime.folders import identity_of


def take_after(descriptor: int, name: str, folder: int | None, state: os.stat_result) -> None:
    """Give an opened file of one's own what another one has, which has this name and was in this state. Raises OSError."""
    mode = stat.S_IMODE(state.st_mode)
    if hasattr(os, "fchown") and not _give(descriptor, state):
        mode &= 0o777  # nobody's file becomes one that runs as the user (setuid)
    if hasattr(os, "listxattr"):
        for key, value in _attributes(name, folder, state):
            with suppress(OSError):  # not every file system has them, and not every user may set all
                os.setxattr(descriptor, key, value)
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, mode)


def _give(descriptor: int, state: os.stat_result) -> bool:
    """Give the file its owner and group; say whether it has them then."""
    now = os.fstat(descriptor)
    if (state.st_uid, state.st_gid) == (now.st_uid, now.st_gid):
        return True
    try:
        os.fchown(descriptor, state.st_uid, state.st_gid)
    except PermissionError:  # who may not give files away writes one of his own, as an editor does
        return False
    return True


def _attributes(name: str, folder: int | None, state: os.stat_result) -> list[tuple[str, bytes]]:
    """Return the extended attributes of the file that has a name, none if it is another one by now."""
    found = []
    source, path = _opened(name, folder)
    try:
        if identity_of(os.fstat(source)) == identity_of(state):
            with suppress(OSError):
                for key in os.listxattr(path):
                    with suppress(OSError):
                        found.append((key, os.getxattr(path, key)))
    finally:
        os.close(source)
    return found


def _opened(name: str, folder: int | None) -> tuple[int, int | str]:
    """Open a file, and return how its attributes are read; those of one that may not be read, by way of /proc."""
    try:
        source = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except PermissionError:
        source = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=folder)
        return source, f"/proc/self/fd/{source}"
    return source, source
