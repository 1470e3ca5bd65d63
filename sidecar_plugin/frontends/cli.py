"""The command `sidecar-plugin`: reads the command line, calls a command or the filter, and turns errors into messages and
exit statuses.

0: done. 1: bad input or settings. 2: bad usage, or the system refuses (a disk, a permission, memory). On an error nothing
reaches stdout and no file is changed.
"""

import os
import sys
from collections.abc import Sequence
from typing import Any

from sidecar_plugin import __version__
from sidecar_plugin.commands import MODULES, load
from sidecar_plugin.commands.arguments import OPTIONS, PROGRAM, REPEATED, REPORTS, add_options, options, parser, parser_of
from sidecar_plugin.errors import SidecarPluginError, UsageError, did_you_mean
from sidecar_plugin.runtime.console import read_stdin, say, write
from sidecar_plugin.runtime.report import Results, report
from sidecar_plugin.settings.options import Options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        for word in words:
            if any("\ud800" <= character <= "\udfff" for character in word):
                encoding = sys.getfilesystemencoding().upper()
                raise UsageError(f"the argument {word!a} is not {encoding}; for a file of such a name give the folder it is in")
        if words and words[0] in MODULES:
            command = load(words[0])
            return command.run(parser_of(words[0], command).parse_args(words[1:]))
        return _filter(words)
    except SidecarPluginError as error:
        say(f"{PROGRAM}: error: {error}\n")
        return error.exit_status
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read our output has gone
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001  # the last resort: no traceback reaches a user
        reported = _as_reported(error)
        say(f"{PROGRAM}: error: {reported}\n")
        return reported.exit_status


def _filter(words: list[str]) -> int:
    as_helm_plugin = "--as-helm-plugin" in words
    try:
        given = _filter_options([word for word in words if word != "--as-helm-plugin"])
        if sys.stdin is None or sys.stdin.isatty():
            raise UsageError(f"nothing on stdin: without a command {PROGRAM} is a filter (see `{PROGRAM} --help`)")
        return _run_filter(given)
    except Exception as error:
        if not as_helm_plugin:
            raise
        from sidecar_plugin.frontends.helm_post_renderer import error_as_manifest

        write(error_as_manifest(_as_reported(error)))
        return 0


def _filter_options(words: list[str]) -> Options:
    """Return the filter's options.

    Argparse costs 6 ms, an eighth of a run on a small chart. So words that are just as OPTIONS lists them are read here. All
    others, and all mistakes, go to argparse, which reads the same list.
    """
    given: dict[str, Any] = {}
    flags = {flag: metavar for flag, metavar, _ in OPTIONS}
    rest = iter(words)
    for word in rest:
        flag, has_value, value = word.partition("=")
        takes_value = bool(flags.get(flag))
        if takes_value and not has_value:
            value = next(rest, "-")
        is_known = flag in flags and bool(has_value) <= takes_value and not value.startswith("-")
        if not is_known or (flag == "--report" and value not in REPORTS):
            return _filter_options_by_argparse(words)
        name = flag[2:].replace("-", "_")
        given[name] = (*given.get(name, ()), value) if flag in REPEATED else value if takes_value else True
    return Options(**given)


def _filter_options_by_argparse(words: list[str]) -> Options:
    if words and not words[0].startswith("-"):
        hint = did_you_mean(words[0], MODULES)
        raise UsageError(f'there is no command "{words[0]}"{hint} (see `{PROGRAM} --help`)')
    asks_for_help = "-h" in words or "--help" in words
    made = parser("", _description() if asks_for_help else "")  # it imports every command
    made.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    add_options(made)
    return options(made.parse_args(words))


def _description() -> str:
    width = max(map(len, MODULES))
    commands = "\n".join(f"  {name:{width}}  {load(name).summary}" for name in MODULES)
    return f"""\
Puts sidecar agents into Kubernetes manifests, declared as the cluster's version understands.

Without a command it is a filter from stdin to stdout: a Helm post-renderer, or a KRM function when it is given a
ResourceList. The commands, each with a --help of its own:

{commands}
"""


def _run_filter(given: Options) -> int:
    data = read_stdin()
    results = Results()
    if b"ResourceList" in data:
        from sidecar_plugin.frontends import krm_function

        found = krm_function.resource_list(data)
        if found is not None:
            try:
                output = krm_function.transform(found, given, results)
            except SidecarPluginError as error:
                write(krm_function.failed(found, error))
                raise
            write(output)
            say(report(given.report, results))
            return 0
    from sidecar_plugin.frontends import helm_post_renderer as post_renderer

    write(*post_renderer.render(data, given, results))
    said = report(given.report, results)
    if not post_renderer.say_to_helm(said):
        say(said)
    return 0


def _as_reported(error: Exception) -> SidecarPluginError:
    """Return an error as it is reported: what the system refuses in its words, and unexpected exceptions as bugs.

    SIDECAR_PLUGIN_DEBUG=1 raises it again, with its traceback.
    """
    if isinstance(error, SidecarPluginError):
        return error
    if os.environ.get("SIDECAR_PLUGIN_DEBUG"):
        raise error
    if isinstance(error, MemoryError):
        return UsageError("there is not enough memory; give it more (`ulimit -v`, the container's limit) or less input at once")
    if isinstance(error, OSError):
        return UsageError(f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error))
    if isinstance(error, ImportError):
        return UsageError(f"{error} (is {PROGRAM} installed whole, and is there memory enough?)")
    name = type(error).__name__
    return SidecarPluginError(
        f"{name}: {error} (a bug of {PROGRAM} {__version__}; SIDECAR_PLUGIN_DEBUG=1 shows where; please report it)"
    )
