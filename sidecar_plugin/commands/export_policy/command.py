"""`sidecar-plugin export-policy`: the same injection as a MutatingAdmissionPolicy of the cluster."""

import re
from typing import TYPE_CHECKING, Any

from sidecar_plugin.agents.folders import AgentFolders
from sidecar_plugin.commands import Command
from sidecar_plugin.commands.arguments import add_options, options
from sidecar_plugin.commands.export_policy.agents import policy_agents
from sidecar_plugin.commands.export_policy.guard import ACTIONS, guard
from sidecar_plugin.commands.export_policy.policy import needs, policy
from sidecar_plugin.errors import UsageError
from sidecar_plugin.runtime.console import say, write
from sidecar_plugin.runtime.report import Results, check_strict, report
from sidecar_plugin.settings.options import Options, settings_for
from sidecar_plugin.yamledit.emitter import block

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


_DESCRIPTION = """\
Print the settings as a MutatingAdmissionPolicy with its binding, for pods that no chart renders with sidecar-plugin.
A pod that was rendered with it is left alone. With --guard: a ValidatingAdmissionPolicy for a forgotten post-renderer.
"""


class _ExportPolicy:
    summary = "the same injection as a policy of the cluster"
    description = _DESCRIPTION

    def configure(self, parser: "ArgumentParser") -> None:
        add_options(parser)
        parser.add_argument(
            "--name", default="sidecar-plugin", metavar="NAME", help="the policies' name (default: sidecar-plugin)"
        )
        parser.add_argument("--bare", action="store_true", help="render agents for a pod without labels, annotations and ports")
        parser.add_argument(
            "--no-opt-out",
            action="store_true",
            help="refuse pods that ask for no agents, or have the marker without the agents",
        )
        parser.add_argument(
            "--guard",
            choices=tuple(ACTIONS),
            metavar="ACTION",
            help="print a policy that only warns of workloads without the agents (warn), or refuses them (deny)",
        )

    def run(self, arguments: "Namespace") -> int:
        """Print the policy; return the exit status. Raises SidecarPluginError."""
        given, results = options(arguments), Results()
        opt_out = not arguments.no_opt_out
        if arguments.guard:
            if arguments.bare:
                raise UsageError("--bare is of no use with --guard, which looks at names and images only; leave one out")
            write(export_guard(given, arguments.name, arguments.guard, results, opt_out))
        else:
            write(export(given, arguments.name, arguments.bare, results, opt_out))
        say(report("json" if given.report == "json" else "none", results))  # there is no workload to list
        return 0


COMMAND: Command = _ExportPolicy()


_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,200}[a-z0-9])?")


def export(options: Options, name: str, bare: bool, results: Results, opt_out: bool = True) -> bytes:
    """Return the policies and bindings as YAML. Raises UsageError for a name that is none, and as `policy_agents`, `policy`."""
    _check_name(name)
    settings = settings_for(options, [], results)
    added = policy_agents(settings, AgentFolders(options.templates), results, bare)
    assert settings.cluster_version is not None
    documents = policy(settings, added, name, opt_out)
    check_strict(options.strict, results)
    flags = needs(settings.cluster_version)
    head = f"# The API server needs: {flags}\n" if flags else ""
    return head.encode() + _written(documents)


def export_guard(options: Options, name: str, action: str, results: Results, opt_out: bool = True) -> bytes:
    """Return the guard and its binding as YAML. Raises UsageError for a name that is none, and as `guard`."""
    _check_name(name)
    documents = guard(settings_for(options, [], results), AgentFolders(options.templates), name, action, opt_out)
    check_strict(options.strict, results)
    return _written(documents)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(f'--name {name}: must be as names are in Kubernetes (a-z, 0-9, "-" and ".")')


def _written(documents: list[dict[str, Any]]) -> bytes:
    return "---\n".join("".join(f"{line}\n" for line in block(document, 0)) for document in documents).encode()
