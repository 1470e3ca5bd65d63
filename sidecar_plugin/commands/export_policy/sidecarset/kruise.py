"""What OpenKruise can do, by its version, and what Alibaba Cloud adds to it on virtual nodes of ACK.

Sources: https://openkruise.io/docs/user-manuals/sidecarset and the types of SidecarSet in each release of
https://github.com/openkruise/kruise. Virtual nodes take the features up to 1.3 only:
https://www.alibabacloud.com/help/en/ack/ack-managed-and-ack-dedicated/user-guide/injecting-a-sidecar-container-into-a-virtual-node-pod.
"""

from typing import NamedTuple

from sidecar_plugin.commands.export_policy.engine import parse_version
from sidecar_plugin.errors import UsageError

Version = tuple[int, int]

FIRST: Version = (1, 3)
"""patchPodMetadata is there from here on; virtual nodes have no later features."""
NAMESPACE_SELECTOR: Version = (1, 4)
INIT_CONTAINERS_SHARE_VOLUMES: Version = (1, 5)
NATIVE: Version = (1, 7)
"""restartPolicy, and a place in front of the pod's own init containers."""
V1BETA1: Version = (1, 9)


class Kruise(NamedTuple):
    """What the SidecarSets are for. `resources_namespace` holds the ConfigMaps and Secrets that the agents mount, "" for the
    namespace of each pod."""

    version: Version
    on_virtual_nodes: bool
    resources_namespace: str

    def has(self, feature: Version) -> bool:
        """Say whether a feature that came with a version can be used."""
        return (FIRST if self.on_virtual_nodes else self.version) >= feature

    def limit(self) -> str:
        """Return what a message says of the version."""
        return (
            f"virtual nodes have OpenKruise's features up to {text(FIRST)}"
            if self.on_virtual_nodes
            else f"this is {text(self.version)}"
        )


def text(version: Version) -> str:
    """Return the version as it is written."""
    return f"{version[0]}.{version[1]}"


def kruise(version: str, on_virtual_nodes: bool, resources_namespace: str) -> Kruise:
    """Return what the command line asks for. Raises UsageError for what does not go together."""
    if not version and not on_virtual_nodes:
        raise UsageError("--engine sidecarset needs the version of OpenKruise; say --engine-version 1.9, or --virtual-nodes")
    if resources_namespace and not on_virtual_nodes:
        raise UsageError(
            "--resources-namespace goes with --virtual-nodes: elsewhere a pod mounts what its own namespace has; leave it out"
        )
    parsed = parse_version(version, "OpenKruise") if version else FIRST
    if parsed < FIRST:
        raise UsageError(f"--engine-version {version}: OpenKruise {text(FIRST)} or later is needed")
    return Kruise(parsed, on_virtual_nodes, resources_namespace)
