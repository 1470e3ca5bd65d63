"""The command `sidecar-plugin`: reads the command line, calls a front end, and turns errors into messages and exit statuses.

0: done. 1: bad input or settings. 2: bad usage. On an error nothing reaches stdout and no file is changed.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from sidecar_plugin import __version__
from sidecar_plugin.errors import SidecarPluginError, UsageError
from sidecar_plugin.results import Results
from sidecar_plugin.run import Options, report

PROGRAM = "sidecar-plugin"
_DESCRIPTION = """\
Puts sidecar agents into Kubernetes manifests, declared as the cluster's version understands.

Without a command it is a filter from stdin to stdout: a Helm post-renderer, or a KRM function when it is given a
ResourceList.  Commands: inject, uninject, agents, schema (see `sidecar-plugin COMMAND --help`).
"""


class _Parser(argparse.ArgumentParser):
    """Ends with our kind of message."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see `{self.prog} --help`)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        command = COMMANDS.get(words[0]) if words else None
        if command is not None:
            return command(words[1:])
        return _filter(words)
    except SidecarPluginError as error:
        _say(f"{PROGRAM}: error: {error}\n")
        return error.exit_status
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone; nothing more can be said
        return 1
    except KeyboardInterrupt:
        return 130


def _filter(words: list[str]) -> int:
    parser = _Parser(PROGRAM, description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    parser.add_argument("--as-helm-plugin", action="store_true", help=argparse.SUPPRESS)
    _add_options(parser)
    if words and not words[0].startswith("-"):
        from sidecar_plugin.errors import did_you_mean

        raise UsageError(f'there is no command "{words[0]}"{did_you_mean(words[0], COMMANDS)} (see `{PROGRAM} --help`)')
    as_helm_plugin = "--as-helm-plugin" in words
    try:
        parsed = parser.parse_args(words)
        if sys.stdin.isatty():
            raise UsageError(f"nothing on stdin: without a command {PROGRAM} is a filter (see `{PROGRAM} --help`)")
        return _run_filter(_options(parsed), as_helm_plugin)
    except SidecarPluginError as error:
        if not as_helm_plugin:
            raise
        from sidecar_plugin.post_renderer import error_as_manifest

        _write(error_as_manifest(error))
        return 0


def _run_filter(options: Options, as_helm_plugin: bool) -> int:
    from sidecar_plugin import krm_function, post_renderer

    data = sys.stdin.buffer.read()
    results = Results()
    if not krm_function.is_resource_list(data):
        output = post_renderer.render(data, options, results)
        _write(output)
        said = report(options, results)
        if not (as_helm_plugin and post_renderer.say_to_helm(said)):
            _say(said)
        return 0
    try:
        output = krm_function.transform(data, options, results)
    except SidecarPluginError as error:
        _write(krm_function.failed(data, error))
        raise
    _write(output)
    _say(report(options, results))
    return 0


def _inject(words: list[str]) -> int:
    parser = _Parser(f"{PROGRAM} inject", description="Put agents into manifests: files, folders, or - for stdin.")
    _add_paths(parser)
    _add_options(parser)
    parsed = parser.parse_args(words)
    from sidecar_plugin.files import Output, inject_files

    options, results = _options(parsed), Results()
    _write(inject_files(parsed.path, options, Output(parsed.in_place, parsed.diff, parsed.output_dir), results))
    _say(report(options, results))
    return 0


def _uninject(words: list[str]) -> int:
    parser = _Parser(f"{PROGRAM} uninject", description="Take out of manifests everything that inject put in, to the byte.")
    _add_paths(parser)
    parser.add_argument("--report", choices=("text", "json", "none"), default="text", help="the report on stderr")
    parsed = parser.parse_args(words)
    from sidecar_plugin.files import Output, uninject_files

    results = Results()
    _write(uninject_files(parsed.path, Output(parsed.in_place, parsed.diff, parsed.output_dir), results))
    _say(report(Options(report=parsed.report), results))
    return 0


def _agents(words: list[str]) -> int:
    parser = _Parser(f"{PROGRAM} agents", description="List the agents, or show one agent's values with their meaning.")
    parser.add_argument("name", nargs="?", metavar="NAME")
    parser.add_argument("--templates", metavar="DIR", action="append", default=[], help="a folder of further agents")
    parsed = parser.parse_args(words)
    from sidecar_plugin.agent_listing import describe, overview

    _write((describe(parsed.name, parsed.templates) if parsed.name else overview(parsed.templates)).encode())
    return 0


def _schema(words: list[str]) -> int:
    _Parser(f"{PROGRAM} schema", description="Print the JSON Schema of SidecarInjection.").parse_args(words)
    import json

    from sidecar_plugin.config import schema

    _write(f"{json.dumps(schema(), indent=2)}\n".encode())
    return 0


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "inject": _inject,
    "uninject": _uninject,
    "agents": _agents,
    "schema": _schema,
}


def _add_paths(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", nargs="+", metavar="PATH", help="a manifest, a folder of manifests, or - for stdin")
    parser.add_argument("--in-place", action="store_true", help="write the files themselves")
    parser.add_argument("--diff", action="store_true", help="show what changes; without --in-place nothing is written")
    parser.add_argument("--output-dir", metavar="DIR", help="write the results below this folder")


def _add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--config", metavar="FILE", action="append", default=[], help="SidecarInjection documents")
    add("--values", "-f", metavar="FILE", action="append", default=[], help="Helm values with the settings under `sidecars`")
    add("--set", metavar="KEY=VALUE", action="append", default=[], help="one setting, such as agents.logging.enabled=true")
    add("--cluster-version", metavar="VERSION", help='the Kubernetes version, such as "1.30"')
    add("--platform", metavar="PLATFORM", help="acs (default) or kubernetes")
    add("--declaration", metavar="D", help="auto (default), native, acs or regular")
    add("--templates", metavar="DIR", action="append", default=[], help="a folder of further agents")
    add("--report", choices=("text", "json", "none"), default="text", help="the report on stderr (default: text)")
    add("--strict", action="store_true", help="make warnings errors")


def _options(parsed: argparse.Namespace) -> Options:
    return Options(
        tuple(parsed.config),
        tuple(parsed.values),
        tuple(parsed.set),
        parsed.cluster_version,
        parsed.platform,
        parsed.declaration,
        tuple(parsed.templates),
        parsed.report,
        parsed.strict,
    )


def _write(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
