"""ConfigMaps and Secrets that are kept in one namespace, for pods of all: virtual nodes of ACK mount them by NAMESPACE/NAME.

A SidecarSetResourceBinding lets the pods of a SidecarSet read them. Source:
https://www.alibabacloud.com/help/en/ack/ack-managed-and-ack-dedicated/user-guide/injecting-a-sidecar-container-into-a-virtual-node-pod.
"""

from typing import Any

from sidecar_plugin.commands.export_policy.agents import PolicyAgents
from sidecar_plugin.settings.settings import Settings

Data = dict[str, Any]

LABELS = {"app.kubernetes.io/managed-by": "sidecar-plugin"}
_SOURCES = {"configMap": ("ConfigMap", "name"), "secret": ("Secret", "secretName")}
"""The volumes that can be of another namespace: their kind, and the field with the name."""


def in_namespace(settings: Settings, agent: str, volume: Data, namespace: str) -> tuple[Data, list[Data]]:
    """Return an agent's volume that mounts from that namespace, and references to what it mounts.

    Raises SettingsError, at the agent, for a projected volume: only plain ones are documented.
    """
    for key, (kind, field) in _SOURCES.items():
        if source := volume.get(key):
            reference = {"kind": kind, "name": source[field]}
            return {**volume, key: {**source, field: f"{namespace}/{source[field]}"}}, [reference]
    sources = (volume.get("projected") or {}).get("sources") or []
    if any(key in source for source in sources for key in _SOURCES):
        message = f"the volume {volume['name']} is projected, and --resources-namespace is for configMap and secret volumes"
        raise settings.error(f"{message}; mount each by a volume of its own", ["agents", agent])
    return volume, []


def binding(name: str, namespace: str, resources: list[Data]) -> Data:
    """Return the object that lets the pods of the SidecarSet of that name read the resources."""
    return {
        "apiVersion": "sidecarset.alibabacloud.com/v1alpha1",
        "kind": "SidecarSetResourceBinding",
        "metadata": {"name": name, "namespace": namespace, "labels": LABELS},
        "spec": {"subjects": [{"kind": "SidecarSet", "name": name}], "resourceRefs": resources},
    }


def manifests(settings: Settings, added: PolicyAgents, namespace: str) -> list[Data]:
    """Return the ConfigMaps and Secrets that the agents bring, in the namespace for them.

    Raises SettingsError, at the agent, where there is none, and for resources of another kind or place.
    """
    found: list[Data] = []
    for agent, manifest in added.manifests:
        metadata = manifest["metadata"]
        what = f"the agent {agent} brings {manifest['kind']}/{metadata['name']}"
        if manifest["kind"] not in ("ConfigMap", "Secret"):
            message = f"{what}, and a pod mounts ConfigMaps and Secrets only; leave the agent to rendering"
            raise settings.error(message, ["agents", agent])
        if not namespace:
            remedy = "have it in an annotation (the built-in agents: configuration: inline)"
            message = f"{what}, which would have to be in the namespace of each pod; {remedy}, or give --resources-namespace"
            raise settings.error(message, ["agents", agent])
        if metadata.get("namespace", namespace) != namespace:
            raise settings.error(f"{what} with a namespace of its own; leave that out", ["agents", agent])
        found.append({**manifest, "metadata": {**metadata, "namespace": namespace}})
    return found
