"""The commands on files: `inject` and `uninject` read files, folders or stdin, and write to stdout, a folder or in place.

Everything is read and worked out before anything is written, so that a mistake in one file leaves all of them as they are.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from sidecar_plugin.diffs import Side, unified
from sidecar_plugin.errors import UsageError
from sidecar_plugin.progress import with_progress
from sidecar_plugin.results import Results
from sidecar_plugin.run import STDIN, Options, check_strict, injector_for, memo_for
from sidecar_plugin.source import Source
from sidecar_plugin.streams import read_stream, uninject

ENDINGS = frozenset((".yaml", ".yml", ".json"))


class Output(NamedTuple):
    """Where results go: `folder` for --output-dir; neither that nor `in_place` nor `diff` means stdout."""

    in_place: bool = False
    diff: bool = False
    folder: str | None = None

    @classmethod
    def of(cls, in_place: bool, diff: bool, folder: str | None) -> "Output":
        """Return where results go. Raises UsageError for options that say two different things."""
        if folder is not None and (in_place or diff):
            raise UsageError(f"--output-dir does not go with {'--in-place' if in_place else '--diff'}; give one of them")
        return cls(in_place, diff, folder)


class _File(NamedTuple):
    """A file that was read: `relative` is its path below the folder it was found in."""

    path: Path | None
    relative: Path
    source: Source


def inject_files(paths: list[str], options: Options, output: Output, results: Results) -> bytes:
    """Inject into all manifests below `paths`; return what goes to stdout. Settings found in any of them hold for all.

    In place, the files' own SidecarInjection documents stay where they are; elsewhere they are taken out.
    Raises SidecarPluginError, with nothing written.
    """
    files = _read(paths)
    kept = memo_for(options)
    streams = [read_stream(file.source, kept.memo) for file in with_progress(files, "reading")]
    injector = injector_for(options, [layer for stream in streams for layer in stream.layers], results, kept.memo)
    if injector.is_idle:
        results.warn("no settings, so nothing was injected; give --config, --values, --set or a SidecarInjection", None)
    texts = []
    for file, stream in with_progress(list(zip(files, streams, strict=True))):
        text = "".join(injector.inject(stream if not output.in_place else stream.with_settings()))
        texts.append((file, text))
    kept.save()
    check_strict(options, results)
    return _write(texts, output)


def uninject_files(paths: list[str], output: Output, results: Results) -> bytes:
    """Take all injections out of the manifests below `paths`; return what goes to stdout. Raises SidecarPluginError."""
    return _write([(file, uninject(file.source, results)) for file in with_progress(_read(paths), "taking out")], output)


def _read(paths: list[str]) -> list[_File]:
    files = []
    for name in paths:
        path = Path(name)
        if name == "-":
            if sys.stdin is None:
                raise UsageError("there is no stdin to read")
            files.append(_File(None, Path("stdin.yaml"), Source.decode(STDIN, sys.stdin.buffer.read())))
        elif path.is_dir():
            found = sorted(
                below
                for below in path.rglob("*")
                if below.suffix in ENDINGS
                and below.is_file()
                and not any(part[0] == "." for part in below.relative_to(path).parts)
            )
            if not found:
                raise UsageError(f"{name}: the folder holds no .yaml, .yml or .json file")
            files += [_File(below, below.relative_to(path), _source(below)) for below in found]
        elif path.exists():
            files.append(_File(path, Path(path.name), _source(path)))
        else:
            raise UsageError(f"{name}: there is no such file or folder")
    return files


def _source(path: Path) -> Source:
    try:
        return Source.decode(str(path), path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None


def _write(texts: list[tuple[_File, str]], output: Output) -> bytes:
    if output.folder is not None:
        return _write_all(texts, lambda file: Path(str(output.folder)) / file.relative, always=True)
    if output.diff:
        shown = "".join(_diff(file, text) for file, text in texts).encode()
        return shown if not output.in_place else shown + _write_all(texts, _own_path, always=False)
    if output.in_place:
        return _write_all(texts, _own_path, always=False)
    pieces: list[bytes] = []
    for file, text in texts:
        data = file.source.encode(text)
        if pieces and text.strip():
            before = b"" if pieces[-1][-1:] in (b"\n", b"") else b"\n"
            pieces.append(before if text.startswith("---") else before + b"---\n")
        pieces.append(data)
    return b"".join(pieces)


def _own_path(file: _File) -> Path:
    if file.path is None:
        raise UsageError("--in-place needs files; stdin has no place to write to")
    return file.path


def _write_all(texts: list[tuple[_File, str]], target: Callable[[_File], Path], always: bool) -> bytes:
    targets = [(target(file), file, text) for file, text in texts if always or text != file.source.text]
    paths = [path for path, _, _ in targets]
    if len(set(paths)) < len(paths):
        twice = next(path for path in paths if paths.count(path) > 1)
        raise UsageError(f"two inputs would both be written to {twice}")
    for path, file, text in targets:
        try:
            _replace(path, file.source.encode(text))
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror or error}") from None
    return b""


def _replace(path: Path, data: bytes) -> None:
    """Write a file in one step: the old content or the new, nothing between; permissions and symbolic links stay."""
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with scratch.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            scratch.chmod(target.stat().st_mode)
        scratch.replace(target)
    finally:
        scratch.unlink(missing_ok=True)


def _diff(file: _File, text: str) -> str:
    name = file.source.name.lstrip("/")
    return unified(Side(f"a/{name}", file.source.text), Side(f"b/{name}", text))
