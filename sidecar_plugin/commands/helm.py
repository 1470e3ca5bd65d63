"""`sidecar-plugin helm VERB …`, which the Helm plugins of helm-plugins/ run as `helm sidecar VERB …`."""

import os
from typing import TYPE_CHECKING

from sidecar_plugin.command_line import PARSER_ONLY, REPORTS, parser, say, write
from sidecar_plugin.config import VALUES_KEY
from sidecar_plugin.errors import UsageError, did_you_mean
from sidecar_plugin.helm_program import Helm, HelmError
from sidecar_plugin.helm_runs import VERBS, Own, run_helm

if TYPE_CHECKING:
    from argparse import ArgumentParser

_DESCRIPTION = """\
Runs helm with the agents that the values of a chart ask for under `sidecars`. The chart needs to know nothing of them.

  helm sidecar template [NAME] CHART [flags of helm template]
  helm sidecar install [NAME] CHART [flags of helm install]
  helm sidecar upgrade NAME CHART [flags of helm upgrade]
  helm sidecar diff NAME CHART [flags of helm upgrade]     what the upgrade would change in the release

The values are those that Helm makes of the chart's own and of -f, --set and the like. All flags of helm are taken, besides
--post-renderer. `helm sidecar VERB --help` shows them.
"""


def line() -> "ArgumentParser":
    """Return the parser of our own flags."""
    made = parser("helm", _DESCRIPTION)
    made.add_argument("verb", choices=list(VERBS), metavar="VERB", help=", ".join(VERBS))
    made.add_argument("--sidecar-key", metavar="KEY", default=VALUES_KEY, help="the key of the values (default: sidecars)")
    made.add_argument(
        "--sidecar-templates", metavar="DIR", action="append", default=[], help="a folder of further agents (can be repeated)"
    )
    made.add_argument(
        "--sidecar-report",
        choices=REPORTS,
        default="text",
        metavar="FORMAT",
        help="the report on stderr: text (default), json or none",
    )
    made.add_argument("--sidecar-strict", action="store_true", help="make warnings errors")
    return made


def run(words: list[str]) -> int:
    """Run helm; return its exit status. Raises SidecarPluginError, with nothing done."""
    ours = line()
    if os.environ.get("HELM_PLUGIN_NAME"):
        ours.prog = "helm sidecar"
    if not words:
        raise UsageError(f"say what to do: {', '.join(VERBS)} (see `{ours.prog} --help`)")
    verb = words[0]
    if verb.startswith("-") or verb == PARSER_ONLY:
        ours.parse_args(words)  # --help, or an error
    if verb not in VERBS:
        raise UsageError(f'there is no command "{verb}"{did_you_mean(verb, VERBS)} (see `{ours.prog} --help`)')
    own, helms = _apart(words[1:])
    given = ours.parse_args([verb, *own])
    if "--help" in helms or "-h" in helms:
        write(
            f"{ours.format_help()}\nThe flags of helm {VERBS[verb]}:\n\n{Helm.found().output(VERBS[verb], '--help')}".encode()
        )
        return 0
    try:
        return run_helm(
            verb, helms, Own(given.sidecar_key, tuple(given.sidecar_templates), given.sidecar_report, given.sidecar_strict)
        )
    except HelmError as error:
        say(str(error))  # helm's own words, as helm says them
        return error.exit_status


def _apart(words: list[str]) -> tuple[list[str], list[str]]:
    """Return our own flags, which begin with --sidecar-, and the other words."""
    own: list[str] = []
    others: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            others += [word, *rest]
        elif word.startswith("--sidecar-"):
            own.append(word)
            if "=" not in word and word != "--sidecar-strict":
                own += [value for value in [next(rest, None)] if value is not None]
        else:
            others.append(word)
    return own, others
