"""Making a folder with files: the whole of it or nothing, and only where nothing is."""

import errno
import os
from collections.abc import Mapping
from contextlib import suppress

from sidecar_plugin.runtime.atomic_write import scratch_name
from sidecar_plugin.runtime.folders import NEW_FILE, Entry, Folder, remove_folders, state_of
from sidecar_plugin.runtime.lookup import find_folder
from sidecar_plugin.runtime.signals import with_cleanup


def make_folder(path: str, files: Mapping[str, bytes]) -> None:
    """Make the folder with these files; folders above it that are missing are made too.

    Raises OSError, with nothing left, FileExistsError if something has its name. Names of files are single names.
    """
    parent, name = os.path.split(path)
    scratch = scratch_name()
    made: list[Entry] = []

    def cleanup() -> None:
        with suppress(OSError):
            _remove(find_folder(parent), scratch, files)
        remove_folders(made)

    with with_cleanup(cleanup):
        above = find_folder(parent, made)
        with above.opened() as folder:
            if state_of(above.at(name), folder) is not None:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            os.mkdir(above.at(scratch), dir_fd=folder)
            _write(above.folder(scratch), files)
            os.rename(above.at(scratch), above.at(name), src_dir_fd=folder, dst_dir_fd=folder)
            made.clear()


def _write(folder: Folder, files: Mapping[str, bytes]) -> None:
    with folder.opened() as descriptor:
        for name, content in files.items():
            if os.path.basename(name) != name:
                raise PermissionError(errno.EPERM, f"{name!r} is no name of a file")
            with open(os.open(folder.at(name), NEW_FILE, 0o666, dir_fd=descriptor), "wb") as file:
                file.write(content)


def _remove(above: Folder, scratch: str, files: Mapping[str, bytes]) -> None:
    inner = above.folder(scratch)
    with above.opened() as folder, inner.opened() as descriptor:
        for name in files:
            with suppress(OSError):
                os.unlink(inner.at(name), dir_fd=descriptor)
        os.rmdir(above.at(scratch), dir_fd=folder)
