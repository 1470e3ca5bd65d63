"""`sidecar-plugin export-policy`: the same injection as a policy of the cluster, in the words of one of its engines."""

import re
from typing import TYPE_CHECKING, Any

from sidecar_plugin.agents.folders import AgentFolders
from sidecar_plugin.commands import Command
from sidecar_plugin.commands.arguments import add_options, options
from sidecar_plugin.commands.export_policy.engine import ACTIONS, Asked
from sidecar_plugin.commands.export_policy.engines import DEFAULT, ENGINES
from sidecar_plugin.errors import UsageError
from sidecar_plugin.runtime.console import say, write
from sidecar_plugin.runtime.report import Results, check_strict, report
from sidecar_plugin.settings.options import settings_for
from sidecar_plugin.yamledit.emitter import block

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


_DESCRIPTION = """\
Print the settings as a policy of the cluster, for pods that no chart renders with sidecar-plugin. A pod that was rendered
with it is left alone, except by a SidecarSet. With --guard: a policy for a forgotten post-renderer, which changes nothing.
"""


class _ExportPolicy:
    summary = "the same injection as a policy of the cluster"
    description = _DESCRIPTION

    def configure(self, parser: "ArgumentParser") -> None:
        add_options(parser)
        engines = "; ".join(f"{name}: {engine.summary}" for name, engine in ENGINES.items())
        about = f"what injects in the cluster. {engines}"
        parser.add_argument(
            "--engine",
            choices=tuple(ENGINES),
            default=DEFAULT,
            metavar="ENGINE",
            help=about,
        )
        parser.add_argument(
            "--engine-version", default="", metavar="VERSION", help="the engine's version, where it has one of its own"
        )
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
            choices=ACTIONS,
            metavar="ACTION",
            help="print a policy that only warns of workloads without the agents (warn), or refuses them (deny)",
        )
        for engine in ENGINES.values():
            engine.configure(parser)

    def run(self, arguments: "Namespace") -> int:
        """Print the policy; return the exit status. Raises SidecarPluginError."""
        given, results, engine = options(arguments), Results(), ENGINES[arguments.engine]
        _check(arguments)
        asked = Asked(
            settings_for(given, [], results),
            AgentFolders(given.templates),
            arguments.name,
            arguments.bare,
            not arguments.no_opt_out,
            arguments.engine_version,
            results,
        )
        exported = engine.guard(asked, arguments.guard) if arguments.guard else engine.policies(asked, arguments)
        check_strict(given.strict, results)
        write("".join(f"# {line}\n" for line in exported.needs).encode() + _written(exported.documents))
        say(report("json" if given.report == "json" else "none", results))  # there is no workload to list
        return 0


COMMAND: Command = _ExportPolicy()


_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,200}[a-z0-9])?")


def _check(arguments: "Namespace") -> None:
    """Raise UsageError for a name that is none, and for options that do nothing beside the others."""
    if not _NAME.fullmatch(arguments.name):
        raise UsageError(f'--name {arguments.name}: must be as names are in Kubernetes (a-z, 0-9, "-" and ".")')
    if arguments.guard and arguments.bare:
        raise UsageError("--bare is of no use with --guard, which looks at names and images only; leave one out")
    for name, engine in ENGINES.items():
        for option in engine.own_options:
            if not getattr(arguments, option.removeprefix("--").replace("-", "_")):
                continue
            if name != arguments.engine:
                raise UsageError(f"{option} is an option of --engine {name}; give that engine, or leave the option out")
            if arguments.guard:
                raise UsageError(f"{option} is of no use with --guard; leave one out")


def _written(documents: list[dict[str, Any]]) -> bytes:
    return "---\n".join("".join(f"{line}\n" for line in block(document, 0)) for document in documents).encode()
