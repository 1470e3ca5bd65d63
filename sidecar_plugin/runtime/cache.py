"""The cache: results of earlier runs.

Two things cost most of a run on a small chart, and both are pure functions of text that seldom changes: importing Jinja2 to
render an agent, and importing a JSON Schema validator to check settings. A Memo keeps their results under keys that hold
everything the result depends on; a MemoFile keeps them between runs, in a file that only its user can write.

A run is put inside `keeping`; what computes such a result, the renderer and the schema check, asks for `kept_results`.
"""

import json
import os
import stat
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from sidecar_plugin import __version__
from sidecar_plugin.runtime.folders import NO_LINK

MAX_ENTRIES = 200  # a chart has a few workloads; a stream of thousands is not worth remembering
RIGHT = ""
"""The result of a check that found nothing wrong."""


class Memo:
    """Results by key: those known from earlier runs, and those used or added in this one."""

    __slots__ = ("_known", "added", "used")

    def __init__(self, known: dict[str, str] | None = None) -> None:
        self._known = known or {}
        self.used: dict[str, str] = {}
        self.added = False

    def key(self, *parts: Any) -> str | None:
        """Return the key for what these parts, plain data, are put in to; None when there is no room for more results, as
        making it then costs more than it may save."""
        if self._is_full:
            return None
        return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))

    def get(self, key: str | None) -> str | None:
        """Return the result under `key`, None if it is not known."""
        if key is None:
            return None
        result = self._known.get(key)
        if result is not None:
            self.used[key] = result
        return result

    def put(self, key: str | None, result: str) -> None:
        """Keep a result, if it has a key, as long as there is room."""
        if key is not None and not self._is_full:
            self._known[key] = self.used[key] = result
            self.added = True

    @property
    def _is_full(self) -> bool:
        return len(self.used) >= MAX_ENTRIES


_current: Memo | None = None


def kept_results() -> Memo:
    """Return the results that this run keeps; outside of `keeping` new ones, which nobody keeps."""
    return _current or Memo()


@contextmanager
def keeping(memo: Memo) -> Iterator[None]:
    """Let `kept_results` return this memo."""
    global _current
    before, _current = _current, memo
    try:
        yield
    finally:
        _current = before


MAX_FILES = 64
MAX_SIZE = 4_000_000  # bytes
_VARIABLE = "SIDECAR_PLUGIN_CACHE"
_NAME = r"[0-9][0-9A-Za-z.+-]*-[0-9a-f]{8}\.json(\.[0-9a-f]+)?\Z"
_HAS_DESCRIPTORS = {os.open, os.rename, os.unlink, os.stat} <= os.supports_dir_fd


def cache_folder() -> str | None:
    """Return the folder of the cache, None if there is to be none.

    It is one that the user chose, or below XDG_CACHE_HOME, or below a HOME that is there and nobody else's.
    """
    chosen = os.environ.get(_VARIABLE)
    if chosen:
        return None if chosen == "off" else chosen
    base = os.environ.get("XDG_CACHE_HOME")
    if not base:
        home = os.environ.get("HOME", "")
        base = os.path.join(home, ".cache") if _is_own_home(home) else ""
    return os.path.join(base, "sidecar-plugin") if os.path.isabs(base) else None


def _is_own_home(path: str) -> bool:
    """Say whether a HOME is the user's: not / or a folder of another user, as sudo and containers leave it."""
    if not path.strip("/"):
        return False
    try:
        return not hasattr(os, "geteuid") or os.stat(path).st_uid in (0, os.geteuid())
    except OSError:
        return False


class MemoFile:
    """The file for one set of settings."""

    __slots__ = ("_folder", "_name", "memo")

    def __init__(self, settings: Iterable[str]) -> None:
        """Read the results of earlier runs with the same settings; a file that cannot be trusted or read is ignored."""
        self._folder = cache_folder()
        self._name = f"{__version__}-{zlib.crc32(chr(0).join(settings).encode(errors='surrogateescape')):08x}.json"
        self.memo = Memo(self._read())

    def _read(self) -> dict[str, str]:
        if self._folder is None:
            return {}
        try:
            with _opened(self._folder) as folder:
                return _read(folder, self._name)
        except OSError:
            return {}

    def save(self) -> None:
        """Write this run's results if there are new ones. A folder that others can write, or we cannot, is left alone."""
        if self._folder is None or not self.memo.added:
            return
        data = json.dumps(self.memo.used, ensure_ascii=False).encode(errors="surrogatepass")
        try:
            _make(self._folder)
            with _opened(self._folder) as folder:
                _replace(folder, self._name, b"%08x\n%b" % (zlib.crc32(data), data))
                _prune(folder, self._name)
        except OSError:
            return


def forget() -> None:
    """Remove all results of earlier runs, and the folder if nothing else is in it. Raises OSError."""
    path = cache_folder()
    if path is None or not os.path.isdir(path):
        return
    with _opened(path) as folder:
        names = folder.names()
        ours = [name for name in names if _is_ours(name)]
        for name in ours:
            os.unlink(folder.at(name), dir_fd=folder.descriptor)
    if len(ours) == len(names):
        os.rmdir(path)


def _is_ours(name: str) -> bool:
    import re  # not needed by a run that finds all it needs

    return re.match(_NAME, name) is not None


def _make(path: str) -> None:
    """Make the folder, and those above it. Raises OSError, also for a place in a folder of another user that nobody chose."""
    if os.path.lexists(path):
        return
    from sidecar_plugin.runtime.lookup import find_folder  # not needed by a run that finds all it needs

    above, name = os.path.split(path.rstrip("/"))
    if above:
        _make(above)
    folder = find_folder(above)
    with folder.opened() as descriptor, suppress(FileExistsError):
        if descriptor is not None and not os.environ.get(_VARIABLE):
            _check_owner(os.fstat(descriptor).st_uid, above)
        os.mkdir(folder.at(name), mode=0o700, dir_fd=descriptor)


class _Folder(NamedTuple):
    """An opened folder: names in it are looked up below its descriptor, or, where the system cannot, below its path."""

    path: str
    descriptor: int | None

    def at(self, name: str) -> str:
        return name if self.descriptor is not None else os.path.join(self.path, name)

    def names(self) -> list[str]:
        return os.listdir(self.path if self.descriptor is None else self.descriptor)


@contextmanager
def _opened(path: str) -> Iterator[_Folder]:
    """Open the folder. Raises OSError also for one that is not the user's own, or that others can write.

    A link is followed if the user or root made it: else whoever can write beside the folder chooses what is read and written.
    """
    if not _HAS_DESCRIPTORS:
        yield _Folder(path, None)
        return
    state = os.lstat(path)
    if stat.S_ISLNK(state.st_mode):
        _check_owner(state.st_uid, path)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _check_own(os.fstat(descriptor), path)
        yield _Folder(path, descriptor)
    finally:
        os.close(descriptor)


def _check_owner(owner: int, path: str) -> None:
    """Raise PermissionError for what is neither root's nor the user's."""
    if owner not in (0, os.geteuid()):
        raise PermissionError(path)


def _check_own(state: os.stat_result, path: str) -> None:
    """Raise PermissionError for a file or folder of another user, and for one that others can write."""
    if hasattr(os, "geteuid") and (state.st_uid != os.geteuid() or state.st_mode & 0o022):
        raise PermissionError(path)


def _read(folder: _Folder, name: str) -> dict[str, str]:
    """Return the results in a file, none if it is damaged. Raises OSError for a file that is missing or cannot be trusted."""
    descriptor = os.open(folder.at(name), os.O_RDONLY | NO_LINK, dir_fd=folder.descriptor)
    with open(descriptor, "rb") as file:
        state = os.fstat(descriptor)
        _check_own(state, name)
        if not stat.S_ISREG(state.st_mode) or state.st_size > MAX_SIZE:
            return {}
        checksum, _, data = file.read(MAX_SIZE + 10).partition(b"\n")
    try:
        known = json.loads(data) if int(checksum, 16) == zlib.crc32(data) else {}
    except (ValueError, RecursionError):
        return {}
    if isinstance(known, dict) and all(isinstance(result, str) for result in known.values()):
        return known
    return {}


def _replace(folder: _Folder, name: str, content: bytes) -> None:
    """Write the file by way of a scratch file whose name nobody can foresee. Raises OSError."""
    scratch = folder.at(f"{name}.{os.urandom(8).hex()}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder.descriptor)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
        os.replace(scratch, folder.at(name), src_dir_fd=folder.descriptor, dst_dir_fd=folder.descriptor)
    except OSError:
        os.unlink(scratch, dir_fd=folder.descriptor)
        raise


def _prune(folder: _Folder, keep: str) -> None:
    """Remove our oldest files. The user may have chosen a folder with other files: these stay."""
    names = folder.names()
    if len(names) <= MAX_FILES:
        return
    ours = [folder.at(name) for name in names if name != keep and _is_ours(name)]
    ours.sort(key=lambda name: os.stat(name, dir_fd=folder.descriptor, follow_symlinks=False).st_mtime)
    for name in ours[:-MAX_FILES]:
        os.unlink(name, dir_fd=folder.descriptor)
