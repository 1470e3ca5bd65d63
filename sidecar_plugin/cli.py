"""The command `sidecar-plugin`: reads the command line, calls a front end, and turns errors into messages and exit statuses.

0: done. 1: bad input or settings. 2: bad usage. On an error nothing reaches stdout and no file is changed.
"""

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sidecar_plugin import __version__
from sidecar_plugin.errors import SidecarPluginError, UsageError, did_you_mean
from sidecar_plugin.results import Results
from sidecar_plugin.run import Options, report

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from typing import NoReturn

PROGRAM = "sidecar-plugin"
_DESCRIPTION = """\
Puts sidecar agents into Kubernetes manifests, declared as the cluster's version understands.

Without a command it is a filter from stdin to stdout: a Helm post-renderer, or a KRM function when it is given a
ResourceList.  Commands: inject, uninject, agents, schema (see `sidecar-plugin COMMAND --help`).
"""


OPTIONS: tuple[tuple[str, str, str], ...] = (
    ("--config", "FILE", "SidecarInjection documents (can be repeated)"),
    ("--values", "FILE", "Helm values with the settings under `sidecars` (can be repeated)"),
    ("--set", "KEY=VALUE", "one setting, such as agents.logging.enabled=true (can be repeated)"),
    ("--templates", "DIR", "a folder of further agents (can be repeated)"),
    ("--cluster-version", "VERSION", 'the Kubernetes version, such as "1.30"'),
    ("--platform", "PLATFORM", "acs (default) or kubernetes"),
    ("--declaration", "DECLARATION", "auto (default), native, acs or regular"),
    ("--report", "FORMAT", "the report on stderr: text (default), json or none"),
    ("--strict", "", "make warnings errors"),
)
"""The options of every way of injecting: the flag, what it takes, and its help. The first four can be repeated."""
_REPEATED = frozenset(("--config", "--values", "--set", "--templates"))
_REPORTS = ("text", "json", "none")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        for word in words:
            if any("\ud800" <= character <= "\udfff" for character in word):
                raise UsageError(f"the argument {word!a} is not UTF-8")
        command = COMMANDS.get(words[0]) if words else None
        if command is not None:
            return command(words[1:])
        return _filter(words)
    except SidecarPluginError as error:
        _say(f"{PROGRAM}: error: {error}\n")
        return error.exit_status
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read our output has gone
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001  # the last resort: no traceback reaches a user
        _say(f"{PROGRAM}: error: {_internal(error)}\n")
        return 1


def _filter(words: list[str]) -> int:
    as_helm_plugin = "--as-helm-plugin" in words
    try:
        options = _filter_options([word for word in words if word != "--as-helm-plugin"])
        if sys.stdin is None or sys.stdin.isatty():
            raise UsageError(f"nothing on stdin: without a command {PROGRAM} is a filter (see `{PROGRAM} --help`)")
        return _run_filter(options)
    except Exception as error:
        if not as_helm_plugin:
            raise
        from sidecar_plugin.post_renderer import error_as_manifest

        _write(error_as_manifest(error if isinstance(error, SidecarPluginError) else _internal(error)))
        return 0


def _filter_options(words: list[str]) -> Options:
    """Return the filter's options. Words that are just as OPTIONS lists them are read here: argparse costs 6 ms."""
    given: dict[str, Any] = {}
    flags = {flag: metavar for flag, metavar, _ in OPTIONS}
    rest = iter(words)
    for word in rest:
        value = next(rest, None) if flags.get(word) else True
        if word not in flags or value is None or (word == "--report" and value not in _REPORTS):
            return _filter_options_by_argparse(words)
        name = word[2:].replace("-", "_")
        given[name] = (*given.get(name, ()), value) if word in _REPEATED else value
    return Options(**given)


def _filter_options_by_argparse(words: list[str]) -> Options:
    if words and not words[0].startswith("-"):
        hint = did_you_mean(words[0], COMMANDS)
        raise UsageError(f'there is no command "{words[0]}"{hint} (see `{PROGRAM} --help`)')
    parser = _parser("", _DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    _add_options(parser)
    return _options(parser.parse_args(words))


def _run_filter(options: Options) -> int:
    data = sys.stdin.buffer.read()
    results = Results()
    if b"ResourceList" in data:
        from sidecar_plugin import krm_function

        if krm_function.is_resource_list(data):
            try:
                output = krm_function.transform(data, options, results)
            except SidecarPluginError as error:
                _write(krm_function.failed(data, error))
                raise
            _write(output)
            _say(report(options, results))
            return 0
    from sidecar_plugin import post_renderer

    _write(*post_renderer.render(data, options, results))
    said = report(options, results)
    if not post_renderer.say_to_helm(said):
        _say(said)
    return 0


def _inject(words: list[str]) -> int:
    parser = _parser("inject", "Put agents into manifests: files, folders, or - for stdin.")
    _add_paths(parser)
    _add_options(parser)
    parsed = parser.parse_args(words)
    from sidecar_plugin.files import Output, inject_files

    options, results = _options(parsed), Results()
    _write(inject_files(parsed.path, options, Output.of(parsed.in_place, parsed.diff, parsed.output_dir), results))
    _say(report(options, results))
    return 0


def _uninject(words: list[str]) -> int:
    parser = _parser("uninject", "Take out of manifests everything that inject put in, to the byte.")
    _add_paths(parser)
    parser.add_argument("--report", choices=_REPORTS, default="text", help="the report on stderr")
    parsed = parser.parse_args(words)
    from sidecar_plugin.files import Output, uninject_files

    results = Results()
    _write(uninject_files(parsed.path, Output.of(parsed.in_place, parsed.diff, parsed.output_dir), results))
    _say(report(Options(report=parsed.report), results))
    return 0


def _agents(words: list[str]) -> int:
    parser = _parser("agents", "List the agents, or show one agent's values with their meaning.")
    parser.add_argument("name", nargs="?", metavar="NAME")
    parser.add_argument("--templates", metavar="DIR", action="append", default=[], help="a folder of further agents")
    parsed = parser.parse_args(words)
    from sidecar_plugin.agent_listing import describe, overview

    _write((describe(parsed.name, tuple(parsed.templates)) if parsed.name else overview(tuple(parsed.templates))).encode())
    return 0


def _schema(words: list[str]) -> int:
    _parser("schema", "Print the JSON Schema of SidecarInjection.").parse_args(words)
    import json

    from sidecar_plugin.config import schema

    _write(f"{json.dumps(schema(), indent=2)}\n".encode())
    return 0


def _internal(error: Exception) -> str:
    """Return the message for an error that is no mistake of the user's; SIDECAR_PLUGIN_DEBUG=1 shows where it came from."""
    if os.environ.get("SIDECAR_PLUGIN_DEBUG"):
        raise error
    name = type(error).__name__
    return f"{name}: {error} (a bug of {PROGRAM} {__version__}; SIDECAR_PLUGIN_DEBUG=1 shows where; please report it)"


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "inject": _inject,
    "uninject": _uninject,
    "agents": _agents,
    "schema": _schema,
}


def _parser(command: str, description: str) -> "ArgumentParser":
    import argparse

    class Parser(argparse.ArgumentParser):
        """Ends with our kind of message."""

        def error(self, message: str) -> "NoReturn":
            raise UsageError(f"{message} (see `{self.prog} --help`)")

    name = f"{PROGRAM} {command}" if command else PROGRAM
    return Parser(name, description=description, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)


def _add_paths(parser: "ArgumentParser") -> None:
    parser.add_argument("path", nargs="+", metavar="PATH", help="a manifest, a folder of manifests, or - for stdin")
    parser.add_argument("--in-place", action="store_true", help="write the files themselves")
    parser.add_argument("--diff", action="store_true", help="show what changes; without --in-place nothing is written")
    parser.add_argument("--output-dir", metavar="DIR", help="write the results below this folder")


def _add_options(parser: "ArgumentParser") -> None:
    for flag, metavar, text in OPTIONS:
        if not metavar:
            parser.add_argument(flag, action="store_true", help=text)
        elif flag in _REPEATED:
            parser.add_argument(flag, metavar=metavar, action="append", default=[], help=text)
        elif flag == "--report":
            parser.add_argument(flag, choices=_REPORTS, default="text", help=text)
        else:
            parser.add_argument(flag, metavar=metavar, help=text)


def _options(parsed: "Namespace") -> Options:
    given = (getattr(parsed, name) for name in Options._fields)
    return Options._make(tuple(value) if isinstance(value, list) else value for value in given)


def _write(*pieces: bytes) -> None:
    sys.stdout.buffer.writelines(pieces)
    sys.stdout.buffer.flush()


def _say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
