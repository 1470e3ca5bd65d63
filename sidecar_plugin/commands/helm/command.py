"""`sidecar-plugin helm VERB …`, which the Helm plugins of helm-plugins/ run as `helm sidecar VERB …`."""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sidecar_plugin.commands import Command
from sidecar_plugin.commands.arguments import REPORTS, parser
from sidecar_plugin.commands.helm.diff import Hooks
from sidecar_plugin.commands.helm.program import Helm, HelmError
from sidecar_plugin.commands.helm.run import VERBS, Own, run_helm
from sidecar_plugin.errors import UsageError
from sidecar_plugin.runtime.console import say, write
from sidecar_plugin.settings.layers import VALUES_KEY

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

_DESCRIPTION = """\
Runs helm with the agents that the values of a chart ask for under `sidecars`. The chart needs to know nothing of them.

  helm sidecar template [NAME] CHART [flags of helm template]
  helm sidecar install [NAME] CHART [flags of helm install]
  helm sidecar upgrade NAME CHART [flags of helm upgrade]
  helm sidecar diff NAME CHART [flags of helm upgrade]     what the upgrade would change in the release

`diff` leaves out hooks and tests, which run anew with each upgrade, unless --include-hooks and --include-tests ask for them. It
ends with 0; with --detailed-exitcode it ends with 2 where there is a difference. FORCE_COLOR=1 shows it in colour in CI too.

The values are those that Helm makes of the chart's own and of -f, --set and the like. All flags of helm are taken, besides
--post-renderer. `helm sidecar VERB --help` shows them.
"""


DIFF_FLAGS = {
    "--detailed-exitcode": "end with 2 if there is a difference",
    "--include-hooks": "compare hooks too, without tests",
    "--include-tests": "compare tests too",
}


class _Helm:
    summary = "run helm with the agents that a chart's values ask for"
    description = _DESCRIPTION

    def configure(self, parser: "ArgumentParser") -> None:
        _add_own_flags(parser)
        parser.add_argument("words", nargs="...", help="the arguments and flags of helm")

    def run(self, arguments: "Namespace") -> int:
        """Run helm; return its exit status. Raises SidecarPluginError, with nothing done."""
        own_parser = parser("helm", _DESCRIPTION)
        _add_own_flags(own_parser)
        if arguments.verb is None:
            if not arguments.words:
                raise UsageError(f"say what to do: {', '.join(VERBS)} (see `{own_parser.prog} --help`)")
            own_parser.parse_args(arguments.words)  # --help, or an error: options of helm come after the verb
        own, helms = _apart(arguments.words, DIFF_FLAGS if arguments.verb == "diff" else ())
        own_parser.parse_args([arguments.verb, *own], arguments)
        command = VERBS[arguments.verb]
        if "--help" in helms or "-h" in helms:
            flags = Helm.found().output(command, "--help")
            write(f"{own_parser.format_help()}\nThe flags of helm {command}:\n\n{flags}".encode())
            return 0
        hooks = Hooks(arguments.include_tests, arguments.include_hooks)
        if arguments.verb != "diff" and (arguments.detailed_exitcode or any(hooks)):
            raise UsageError(f"{', '.join(DIFF_FLAGS)} are flags of `{own_parser.prog} diff`")
        own_flags = Own(
            arguments.sidecar_key,
            tuple(arguments.sidecar_templates),
            arguments.sidecar_report,
            arguments.sidecar_strict,
            hooks,
            arguments.detailed_exitcode,
        )
        try:
            return run_helm(arguments.verb, helms, own_flags)
        except HelmError as error:
            say(str(error))  # helm's own message, unchanged
            return error.exit_status


def _add_own_flags(parser: "ArgumentParser") -> None:
    """Add the verb and the flags that are ours, not helm's."""
    if os.environ.get("HELM_PLUGIN_NAME"):
        parser.prog = "helm sidecar"
    parser.add_argument("verb", nargs="?", choices=list(VERBS), metavar="VERB", help=", ".join(VERBS))
    parser.add_argument("--sidecar-key", metavar="KEY", default=VALUES_KEY, help="the key of the values (default: sidecars)")
    parser.add_argument(
        "--sidecar-templates", metavar="DIR", action="append", default=[], help="a folder of further agents (can be repeated)"
    )
    parser.add_argument(
        "--sidecar-report",
        choices=REPORTS,
        default="text",
        metavar="FORMAT",
        help="the report on stderr: text (default), json or none",
    )
    parser.add_argument("--sidecar-strict", action="store_true", help="make warnings errors")
    for flag, meaning in DIFF_FLAGS.items():
        parser.add_argument(flag, action="store_true", help=f"diff: {meaning}")


COMMAND: Command = _Helm()


def _apart(words: list[str], plain: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return our own flags, which begin with --sidecar- or are among the plain ones, and the other words."""
    own: list[str] = []
    others: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            others += [word, *rest]
        elif word in plain:
            own.append(word)
        elif word.startswith("--sidecar-"):
            own.append(word)
            if "=" not in word and word != "--sidecar-strict":
                own += [value for value in [next(rest, None)] if value is not None]
        else:
            others.append(word)
    return own, others
