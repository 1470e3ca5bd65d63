"""The commands on files: `inject` and `uninject` read files, folders or stdin, and write to stdout, a folder or in place.

Everything is read and worked out before anything is written, so that a mistake in one file leaves all of them as they are.
"""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from sidecar_plugin.errors import UsageError, one_line
from sidecar_plugin.runtime.atomic_write import Replacement, replace_files
from sidecar_plugin.runtime.console import STDIN, read_stdin
from sidecar_plugin.runtime.diff import Side, unified
from sidecar_plugin.runtime.folders import Entry
from sidecar_plugin.runtime.lookup import Lookup
from sidecar_plugin.runtime.report import Results
from sidecar_plugin.yamledit.source import Source

ENDINGS = frozenset((".yaml", ".yml", ".json"))


class Output(NamedTuple):
    """Where results go: `folder` for --output-dir; neither that nor `in_place` nor `diff` means stdout.

    With `keep_going` a file that is refused is left out, and the others are done; `Results.errors` tells of it.
    """

    in_place: bool = False
    diff: bool = False
    folder: str | None = None
    keep_going: bool = False

    @classmethod
    def of(cls, in_place: bool, diff: bool, folder: str | None, keep_going: bool = False) -> "Output":
        """Return where results go. Raises UsageError for options that say two different things."""
        if folder is not None and (in_place or diff):
            raise UsageError(f"--output-dir does not go with {'--in-place' if in_place else '--diff'}; give one of them")
        if folder is not None:
            check_given("--output-dir", folder)
        return cls(in_place, diff, folder, keep_going)


class File(NamedTuple):
    """A file that was read: `relative` is its path below the folder it was found in."""

    path: Path | None
    relative: Path
    source: Source


def read_files(paths: list[str], output: Output | None = None, results: Results | None = None) -> list[File]:
    """Return the files below the paths. Raises UsageError, and ManifestError for text that cannot be decoded, unless the output
    is to keep going. A file that has two names is there once if it is to be written in place."""
    output, results = output or Output(), results or Results()
    files, seen, lookup = list[File](), set[tuple[object, str]](), Lookup()
    for name in paths:
        if name == "-":
            files.append(File(None, Path("stdin.yaml"), Source.decode(STDIN, read_stdin())))
            continue
        for path, relative in _found(name):
            entry = _entry(path, lookup)
            if output.in_place:
                own = (entry.folder.identity or entry.folder.path, entry.name)
                if own in seen:
                    continue
                seen.add(own)
            with results.each_file(output.keep_going):
                files.append(File(path, relative, _source(path, entry, is_file=path != Path(name))))
    return files


def _found(name: str) -> list[tuple[Path, Path]]:
    """Return the manifests that a path stands for, each with its path below the folder. Raises UsageError."""
    check_given("a path", name)
    path = Path(name)
    try:
        is_folder = stat.S_ISDIR(os.stat(path).st_mode)
    except FileNotFoundError:
        raise UsageError(f"{_shown(path)}: there is no such file or folder") from None
    except OSError as error:
        raise UsageError(f"{_shown(path)}: {error.strerror or error}") from None
    if not is_folder:
        return [(path, Path(path.name))]
    found = sorted(_below(path))
    if not found:
        raise UsageError(f"{name}: the folder holds no .yaml, .yml or .json file")
    return [(below, below.relative_to(path)) for below in found]


def _below(folder: Path) -> Iterator[Path]:
    """Yield the manifests below a folder, but for hidden ones; links to folders are not followed.

    Raises UsageError for what cannot be looked into, and for what is named like a manifest and is no file: a manifest that is
    left out in silence would run without its agents.
    """

    def refuse(error: OSError) -> None:
        raise UsageError(f"{_shown(error.filename)}: {error.strerror or error}") from None

    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(parent, name)
            if name.startswith(".") or path.suffix not in ENDINGS:
                continue
            try:
                is_file = stat.S_ISREG(os.stat(path).st_mode)
            except OSError as error:
                where = " (a link that leads nowhere)" if path.is_symlink() else ""
                raise UsageError(f"{_shown(path)}: {error.strerror or error}{where}") from None
            if not is_file:
                raise UsageError(f"{_shown(path)}: is no regular file; take it out of the folder or rename it")
            yield path


def _entry(path: Path, lookup: Lookup) -> Entry:
    try:
        return lookup.find(os.fspath(path))
    except OSError as error:
        raise UsageError(f"{_shown(path)}: {error.strerror or error}") from None


def _source(path: Path, entry: Entry, *, is_file: bool) -> Source:
    """Return the text of a file that was named, or found in a folder, where another user may have put a FIFO since."""
    try:
        with open(entry.open(is_file=is_file), "rb") as file:
            return Source.decode(_shown(path), file.read())
    except OSError as error:
        raise UsageError(f"{_shown(path)}: {error.strerror or error}") from None


def _shown(path: Path | str) -> str:
    """Return a path as one line, whatever characters are in its name."""
    return one_line(str(path).replace("\\", "\\\\")) if one_line(str(path)) != str(path) else str(path)


def write_files(texts: list[tuple[File, str]], output: Output, page: Replacement | None = None) -> bytes:
    """Write the results where they go, and with them a page about the run, all or nothing; return what goes to stdout.

    Raises UsageError, with nothing written, for a page that would replace one of the manifests, and as `replace_files`.
    """
    if page is not None:
        own, root = os.path.realpath(page.path), output.folder
        taken = [file.path for file, _ in texts if file.path] + [Path(root, file.relative) for file, _ in texts if root]
        if own in map(os.path.realpath, taken):
            raise UsageError(f"{page.shown}: is a manifest of this run, so the page cannot be written there; name another file")
    if output.folder is not None:
        return _write_all(texts, lambda file: file.relative, page, root=output.folder)
    if output.diff:
        shown = "".join(_diff(file, text) for file, text in texts).encode()
        return shown + _write_all(texts if output.in_place else [], _own_path, page)
    if output.in_place:
        return _write_all(texts, _own_path, page)
    _write_all([], _own_path, page)
    pieces: list[bytes] = []
    for file, text in texts:
        data = file.source.encode(text)
        if pieces and text.strip():
            before = b"" if pieces[-1][-1:] in (b"\n", b"") else b"\n"
            pieces.append(before if text.startswith("---") else before + b"---\n")
        pieces.append(data)
    return b"".join(pieces)


def _own_path(file: File) -> Path:
    if file.path is None:
        raise UsageError("--in-place needs files; stdin has no place to write to")
    return file.path


def _write_all(
    texts: list[tuple[File, str]], target: Callable[[File], Path], page: Replacement | None, root: str | None = None
) -> bytes:
    """Write all below the root, or in place what has changed, and the page."""
    replacements, seen = list[Replacement](), set[Path]()
    for file, text in texts:
        if root is None and text == file.source.text:
            continue
        before = file.source.encode(file.source.text) if root is None else None
        replacement = Replacement(target(file), file.source.encode(text), before, root)
        if replacement.path in seen:
            raise UsageError(f"two inputs would both be written to {replacement.shown}")
        seen.add(replacement.path)
        replacements.append(replacement)
    replace_files([*replacements, page] if page else replacements)
    return b""


def _diff(file: File, text: str) -> str:
    before, after = ((f"{side}/{file.source.name}" if file.path is None else _git_name(side, file.path)) for side in "ab")
    return unified(Side(before, file.source.text), Side(after, text))


def _git_name(side: str, path: Path) -> str:
    """Return a path as `git diff` writes it below `a` or `b`: in quotes, with escapes, where its characters are unusual."""
    name = f"{side}/{str(path).lstrip('/')}"
    if one_line(name) == name and not {'"', "\\"} & set(name):
        return name
    escaped = (chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"\\' else f"\\{byte:03o}" for byte in os.fsencode(name))
    return f'"{"".join(escaped)}"'


def check_given(what: str, path: str) -> None:
    """Raise UsageError for an empty path: mostly a variable of the shell was not set."""
    if not path:
        raise UsageError(f"{what} is empty; is a variable not set? The folder that you are in is .")
