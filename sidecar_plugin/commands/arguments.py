"""What the commands share of the command line: options, parsers that end with our kind of message, and the two outputs."""

from typing import TYPE_CHECKING, Any

from sidecar_plugin.errors import UsageError, did_you_mean
from sidecar_plugin.runtime.console import write
from sidecar_plugin.settings.options import Options

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _ActionsContainer
    from typing import NoReturn

    from sidecar_plugin.commands import Command
    from sidecar_plugin.kubernetes.kubectl import Kubectl

PROGRAM = "sidecar-plugin"
OPTIONS: tuple[tuple[str, str, str], ...] = (
    ("--config", "FILE", "SidecarInjection documents (can be repeated)"),
    ("--values", "FILE", "Helm values with the settings under `sidecars` (can be repeated)"),
    ("--set", "KEY=VALUE", "one setting, such as agents.logging.enabled=true (can be repeated)"),
    ("--set-string", "KEY=VALUE", "the same, the value always being text (can be repeated)"),
    ("--set-file", "KEY=FILE", "the same, the value being the text of a file (can be repeated)"),
    ("--templates", "DIR", "a folder of further agents (can be repeated)"),
    ("--cluster-version", "VERSION", 'the Kubernetes version, such as "1.30"'),
    ("--platform", "PLATFORM", "{platforms}"),
    ("--declaration", "DECLARATION", "{declarations}"),
    ("--report", "FORMAT", "the report on stderr: text (default), json or none"),
    ("--strict", "", "make warnings errors"),
)
"""The options of every way of injecting: the flag, what it takes, and its help. {platforms} and {declarations} stand for their
names. Those of REPEATED can be repeated."""
REPEATED = frozenset(("--config", "--values", "--set", "--set-string", "--set-file", "--templates"))
SHORT = {"--values": ("-f",)}
_USAGE = {"+": "{}...", "?": "[{}]"}
REPORTS = ("text", "json", "none")


def parser(command: str, description: str) -> "ArgumentParser":
    """Return a parser for a command's words, "" for the filter's; it raises UsageError for what it does not know."""
    import argparse  # late: it costs 6 ms, and the filter seldom needs it

    class Parser(argparse.ArgumentParser):
        """Ends with our kind of message."""

        def error(self, message: str) -> "NoReturn":
            raise UsageError(f"{message} (see `{self.prog} --help`)")

        def _check_value(self, action: argparse.Action, value: Any) -> None:
            if action.choices is not None and value not in action.choices:
                known = list(map(str, action.choices))
                hint = did_you_mean(str(value), known)
                raise argparse.ArgumentError(action, f'"{value}" is none of {", ".join(known)}{hint}')

        def _print_message(self, message: str, file: Any = None) -> None:
            write(message.encode())  # argparse's own says nothing of a full disk

        def format_help(self) -> str:
            if self.usage is None:  # argparse's own lists every option
                words = [
                    f"{action.metavar}{'...' if action.nargs == '+' else ''}" for action in self._positionals._group_actions
                ]
                self.usage = " ".join(("%(prog)s [options]", *words))
            return super().format_help()

    class Formatter(argparse.RawDescriptionHelpFormatter):
        """Leaves room for the longest option."""

        def __init__(self, prog: str) -> None:
            super().__init__(prog, max_help_position=32)

    name = f"{PROGRAM} {command}" if command else PROGRAM
    return Parser(name, description=description, formatter_class=Formatter, allow_abbrev=False)


def parser_of(name: str, command: "Command") -> "ArgumentParser":
    """Return the parser of a command, with the command's options and arguments."""
    made = parser(name, command.description)
    command.configure(made)
    return made


def add_paths(parser: "ArgumentParser") -> None:
    """Add the manifests of a command that changes them, and where the results go."""
    parser.add_argument("path", nargs="+", metavar="PATH", help="a manifest, a folder of manifests, or - for stdin")
    output = parser.add_argument_group("output (without any: stdout)")
    output.add_argument("--in-place", action="store_true", help="write the files themselves")
    output.add_argument("--diff", action="store_true", help="show what changes; without --in-place nothing is written")
    output.add_argument("--output-dir", metavar="DIR", help="write the results below this folder")


def add_keep_going(parser: "ArgumentParser") -> None:
    """Add --keep-going."""
    text = "leave out files that are refused and do the others; the exit status is 1 then"
    parser.add_argument("--keep-going", action="store_true", help=text)


def add_options(parser: "ArgumentParser", only: tuple[str, ...] = ()) -> None:
    """Add OPTIONS, or only some of them."""
    from sidecar_plugin.kubernetes import declarations, platforms  # late: the filter needs no help texts

    known = {
        "platforms": one_of(platforms.DEFAULT, [name for name in platforms.NAMES if name != platforms.DEFAULT]),
        "declarations": one_of("auto", list(declarations.DECLARATIONS)),
    }
    settings = parser.add_argument_group("settings and report")
    for flag, metavar, pattern in OPTIONS:
        text = pattern.format_map(known)
        if only and flag not in only:
            continue
        if not metavar:
            settings.add_argument(flag, action="store_true", help=text)
        elif flag in REPEATED:
            settings.add_argument(*SHORT.get(flag, ()), flag, metavar=metavar, action="append", default=[], help=text)
        elif flag == "--report":
            add_report(settings)
        else:
            settings.add_argument(flag, metavar=metavar, help=text)


def one_of(default: str, others: list[str]) -> str:
    """Return how a help text lists the words that an option takes: `acs (default), eci or bci`."""
    return f"{', '.join((f'{default} (default)', *others[:-1]))} or {others[-1]}"


def add_report(parser: "_ActionsContainer") -> None:
    """Add --report."""
    parser.add_argument(
        "--report",
        choices=REPORTS,
        default="text",
        metavar="FORMAT",
        help=next(text for flag, _, text in OPTIONS if flag == "--report"),
    )


def options(parsed: "Namespace") -> Options:
    """Return OPTIONS as they were given, with the default of one that the command does not take."""
    given = (getattr(parsed, name, default) for name, default in Options._field_defaults.items())
    return Options._make(tuple(value) if isinstance(value, list) else value for value in given)


CLUSTER_OPTIONS = ("namespace", "all_namespaces", "selector", "context", "kubeconfig", "kubectl")
"""What `add_kubectl_options` adds, as the names of a parser's results."""


def add_kubectl_options(parser: "_ActionsContainer", of_what: str) -> None:
    """Add the options that choose a cluster and objects in it; `of_what` is what a selector chooses."""
    parser.add_argument("-n", "--namespace", metavar="NAMESPACE", help="the namespace that kubectl asks for")
    parser.add_argument("-A", "--all-namespaces", action="store_true", help="all namespaces")
    parser.add_argument("-l", "--selector", metavar="LABELS", help=f"only {of_what} with these labels")
    parser.add_argument("--context", metavar="CONTEXT", help="the context of kubectl's configuration")
    parser.add_argument("--kubeconfig", metavar="FILE", help="kubectl's configuration")
    parser.add_argument("--kubectl", metavar="PROGRAM", help="the kubectl to run (default: kubectl)")


def kubectl_of(given: "Namespace", by_hand: str = "") -> "Kubectl":
    """Return the kubectl that the options choose; `by_hand` as Kubectl says. Raises UsageError."""
    from sidecar_plugin.kubernetes.kubectl import Kubectl  # late: the filter asks no cluster

    if given.namespace and given.all_namespaces:
        raise UsageError("--namespace and --all-namespaces contradict each other")
    connection = [f"--{name}={getattr(given, name)}" for name in ("context", "kubeconfig") if getattr(given, name)]
    selection = [f"--{name}={getattr(given, name)}" for name in ("namespace", "selector") if getattr(given, name)]
    if given.all_namespaces:
        selection.append("--all-namespaces")
    return Kubectl(given.kubectl or "kubectl", tuple(connection), tuple(selection), by_hand)
