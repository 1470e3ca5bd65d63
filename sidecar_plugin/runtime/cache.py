"""Results of earlier runs that need not be worked out again.

Two things cost most of a run on a small chart, and both are pure functions of text that seldom changes: importing Jinja2 to
render an agent, and importing a JSON Schema validator to find that settings are right. A Memo keeps their results under keys
that hold everything the result depends on, so a wrong one cannot be found. Where it is kept is the front ends' part.
"""

import json
import os
import stat
import zlib
from collections.abc import Iterable
from typing import Any

from sidecar_plugin import __version__

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


MAX_FILES = 64


MAX_SIZE = 4_000_000


_VARIABLE = "SIDECAR_PLUGIN_CACHE"


_NAME = r"[0-9][0-9A-Za-z.+-]*-[0-9a-f]{8}\.json(\.[0-9]+)?\Z"


def cache_folder() -> str | None:
    """Return the folder, None if there is to be none."""
    chosen = os.environ.get(_VARIABLE)
    if chosen:
        return None if chosen == "off" else chosen
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.environ.get("HOME", ""), ".cache")
    return os.path.join(base, "sidecar-plugin") if os.path.isabs(base) else None


class MemoFile:
    """The file for one set of settings."""

    __slots__ = ("_path", "memo")

    def __init__(self, settings: Iterable[str]) -> None:
        """Read the results of earlier runs with the same settings; a file that cannot be read is one that is not there."""
        folder = cache_folder()
        name = f"{__version__}-{zlib.crc32(chr(0).join(settings).encode()):08x}.json"
        self._path = os.path.join(folder, name) if folder else None
        self.memo = Memo(_read(self._path) if self._path else {})

    def save(self) -> None:
        """Write this run's results if there are new ones. A folder that cannot be written to is left alone."""
        if not self._path or not self.memo.added:
            return
        folder, name = os.path.split(self._path)
        scratch = f"{self._path}.{os.getpid()}"
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
            descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            data = json.dumps(self.memo.used, ensure_ascii=False).encode(errors="surrogatepass")
            with open(descriptor, "wb") as file:
                file.write(b"%08x\n%b" % (zlib.crc32(data), data))
            os.replace(scratch, self._path)
            _prune(folder, name)
        except OSError:
            return


def forget() -> None:
    """Take away all that runs have kept, and the folder if nothing else is in it. Raises OSError."""
    folder = cache_folder()
    if folder is None or not os.path.isdir(folder):
        return
    for entry in list(os.scandir(folder)):
        if _is_ours(entry.name):
            os.unlink(entry.path)
    if not os.listdir(folder):
        os.rmdir(folder)


def _is_ours(name: str) -> bool:
    import re  # not needed by a run that finds all it needs

    return re.match(_NAME, name) is not None


def _read(path: str) -> dict[str, str]:
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # a FIFO there must not hold us up
        with open(descriptor, "rb") as file:
            state = os.fstat(descriptor)
            if not stat.S_ISREG(state.st_mode) or state.st_size > MAX_SIZE:
                return {}
            if state.st_uid != os.geteuid() or state.st_mode & 0o022:
                return {}
            checksum, _, data = file.read().partition(b"\n")
        known = json.loads(data) if int(checksum, 16) == zlib.crc32(data) else {}
    except (OSError, ValueError, RecursionError):
        return {}
    if isinstance(known, dict) and all(isinstance(result, str) for result in known.values()):
        return known
    return {}


def _prune(folder: str, keep: str) -> None:
    """Take away our oldest files; what else is in the folder, which the user may have chosen, is not ours."""
    ours = (entry for entry in os.scandir(folder) if entry.name != keep and _is_ours(entry.name))
    entries = sorted((entry.stat().st_mtime, entry.path) for entry in ours)
    for _, path in entries[:-MAX_FILES]:
        os.unlink(path)
