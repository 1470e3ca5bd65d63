"""OpenKruise as the engine: SidecarSets."""

from typing import TYPE_CHECKING

from sidecar_plugin.commands.export_policy.agents import pod_agents
from sidecar_plugin.commands.export_policy.engine import Asked, Engine, Exported
from sidecar_plugin.commands.export_policy.sidecarset.kruise import kruise
from sidecar_plugin.commands.export_policy.sidecarset.objects import needs, sidecar_sets
from sidecar_plugin.errors import UsageError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


class _SidecarSet:
    summary = "SidecarSet of OpenKruise 1.3 and later"
    own_options = ("--virtual-nodes", "--resources-namespace")

    def configure(self, parser: "ArgumentParser") -> None:
        parser.add_argument("--virtual-nodes", action="store_true", help="sidecarset: only pods on virtual nodes of ACK")
        parser.add_argument(
            "--resources-namespace",
            default="",
            metavar="NAMESPACE",
            help="sidecarset: with --virtual-nodes, the namespace of the ConfigMaps and Secrets that the agents mount",
        )

    def policies(self, asked: Asked, arguments: "Namespace") -> Exported:
        there = kruise(asked.version, arguments.virtual_nodes, arguments.resources_namespace)
        added = pod_agents(asked.settings, asked.library, asked.results, asked.bare)
        documents = sidecar_sets(asked.settings, added, asked.name, there, asked.opt_out, asked.results)
        return Exported(documents, needs(documents, there))

    def guard(self, asked: Asked, action: str) -> Exported:
        raise UsageError("a SidecarSet refuses nothing; take the guard of another engine")


ENGINE: Engine = _SidecarSet()
