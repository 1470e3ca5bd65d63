"""The commands on files: `inject` and `uninject` read files, folders or stdin, and write to stdout, a folder or in place.

Everything is read and worked out before anything is written, so that a mistake in one file leaves all of them as they are.
"""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sidecar_plugin.config import KIND, Layer
from sidecar_plugin.diffs import Side, unified
from sidecar_plugin.errors import Place, SidecarPluginError, UsageError
from sidecar_plugin.memo import Memo
from sidecar_plugin.progress import with_progress
from sidecar_plugin.results import Results
from sidecar_plugin.run import STDIN, Options, check_given, check_strict, injector_for, memo_for, read_stdin, settings_for
from sidecar_plugin.source import Source
from sidecar_plugin.streams import read_stream, uninject
from sidecar_plugin.workloads import WorkloadKinds
from sidecar_plugin.writing import Replacement, replace_files

if TYPE_CHECKING:
    from sidecar_plugin.linting.formats import Report
    from sidecar_plugin.linting.subject import Rule

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


class Conversion(NamedTuple):
    """What `convert` is asked for: a declaration, and the names of regular containers that are sidecars."""

    to: str
    named: tuple[str, ...] = ()


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
    kept = memo_for(options)
    streams = []
    for file in with_progress(_read(paths, output, results), "reading"):
        without_settings = KIND not in file.source.text  # a file with settings is never left out: nothing would be right
        with results.each_file(output.keep_going and without_settings):
            streams.append((file, read_stream(file.source, kept.memo)))
    injector = injector_for(options, [layer for _, stream in streams for layer in stream.layers], results, kept.memo)
    if injector.is_idle:
        results.warn("no settings, so nothing was injected; give --config, --values, --set or a SidecarInjection", None)
    texts = []
    for file, stream in with_progress(streams):
        refused = len(results.errors)
        with results.each_file(output.keep_going):
            text = "".join(injector.inject(stream if not output.in_place else stream.with_settings()))
            texts.append((file, text))
        if len(results.errors) > refused:
            injector.drop_manifests()
    kept.save()
    check_strict(options, results)
    return _write(texts, output)


def uninject_files(paths: list[str], output: Output, results: Results) -> bytes:
    """Take all injections out of the manifests below `paths`; return what goes to stdout. Raises SidecarPluginError."""
    texts = []
    for file in with_progress(_read(paths, output, results), "taking out"):
        with results.each_file(output.keep_going):
            texts.append((file, uninject(file.source, results)))
    return _write(texts, output)


def convert_files(paths: list[str], options: Options, conversion: Conversion, output: Output, results: Results) -> bytes:
    """Convert the sidecars of all manifests below `paths`; return what goes to stdout.

    The cluster's version, its platform and custom workloads come from the options, and from settings found in the files, which
    stay where they are. Raises SidecarPluginError, with nothing written.
    """
    from sidecar_plugin.conversion.converter import Converter, Request  # late: injecting does not need it

    files = _read(paths)
    memo = Memo()
    layers = [layer for file in files for layer in read_stream(file.source, memo).layers]
    settings = settings_for(options, layers, results, memo)
    request = Request(conversion.to, settings.cluster_version, settings.platform, frozenset(conversion.named))
    converter = Converter(request, WorkloadKinds.of(settings.workloads), results)
    texts = [(file, converter.convert(file.source)) for file in with_progress(files, "converting")]
    converter.check_names()
    check_strict(options, results)
    return _write(texts, output)


def check_files(paths: list[str], options: Options, rules: "list[Rule]") -> "Report":
    """Check all manifests below `paths` by the rules; return what was found.

    The cluster's version, its platform and custom workloads come from the options and from settings found in the files. Raises
    SidecarPluginError for options and files that cannot be read; what a file says is never an error, but a finding.
    """
    from sidecar_plugin.linting.formats import Report  # late: injecting does not need it
    from sidecar_plugin.linting.linter import Linter, unreadable
    from sidecar_plugin.linting.subject import Cluster
    from sidecar_plugin.linting.suppressions import without_ignored

    files = _read(paths)
    memo, layers, wrong = Memo(), list[Layer](), dict[str, SidecarPluginError]()
    for file in files:
        try:
            layers += read_stream(file.source, memo).layers
        except SidecarPluginError as error:
            wrong[file.source.name] = error
    settings = settings_for(options, layers, Results(), memo)
    told = any("platform" in layer.data for layer in settings.layers)
    cluster = Cluster(settings.cluster_version, settings.platform if told else None)
    linter = Linter(rules, cluster, WorkloadKinds.of(settings.workloads))
    findings = []
    for file in files:
        found = linter.check(file.source)
        mistake = wrong.get(file.source.name)
        if mistake and not any(finding.place == mistake.place for finding in found):
            found += unreadable(rules, mistake, Place(file.source.name, 1, 1))
        findings += without_ignored(file.source, found)
    return Report(findings, rules, linter.not_run, linter.pods)


def _read(paths: list[str], output: Output | None = None, results: Results | None = None) -> list[_File]:
    """Return the files below the paths. Raises UsageError, and ManifestError for text that cannot be decoded, unless the output
    is to keep going. A file that has two names is there once if it is to be written in place."""
    output, results = output or Output(), results or Results()
    files, seen = list[_File](), set[str]()
    for name in paths:
        if name == "-":
            files.append(_File(None, Path("stdin.yaml"), Source.decode(STDIN, read_stdin())))
            continue
        for path, relative in _found(name):
            if output.in_place:
                own = os.path.realpath(path)
                if own in seen:
                    continue
                seen.add(own)
            with results.each_file(output.keep_going):
                files.append(_File(path, relative, _source(path)))
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


def _source(path: Path) -> Source:
    try:
        return Source.decode(_shown(path), path.read_bytes())
    except OSError as error:
        raise UsageError(f"{_shown(path)}: {error.strerror or error}") from None


def _shown(path: Path | str) -> str:
    """Return a path as one line, whatever characters are in its name."""
    return str(path).replace("\\", "\\\\").replace("\n", "\\n") if "\n" in str(path) else str(path)


def _write(texts: list[tuple[_File, str]], output: Output) -> bytes:
    if output.folder is not None:
        return _write_all(texts, lambda file: Path(str(output.folder)) / file.relative, always=True)
    if output.diff:
        shown = "".join(_diff(file, text) for file, text in texts).encode(errors="surrogateescape")  # a name of any bytes
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
    seen: set[Path] = set()
    for path, _, _ in targets:
        if path in seen:
            raise UsageError(f"two inputs would both be written to {path}")
        seen.add(path)
    in_place = not always
    replace_files(
        Replacement(path, file.source.encode(text), file.source.encode(file.source.text) if in_place else None)
        for path, file, text in targets
    )
    return b""


def _diff(file: _File, text: str) -> str:
    name = file.source.name.lstrip("/")
    quote = '"' if file.path is not None and name != str(file.path).lstrip("/") else ""  # as git writes such names
    return unified(Side(f"{quote}a/{name}{quote}", file.source.text), Side(f"{quote}b/{name}{quote}", text))
