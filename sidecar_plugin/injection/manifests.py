"""The manifests that agents bring along, each once over all streams of a run."""

from typing import Any

from sidecar_plugin.errors import ClashError
from sidecar_plugin.injection.marker import INJECTED, manifest_marker
from sidecar_plugin.injection.stream import AgentManifest, identity
from sidecar_plugin.kubernetes.pod_templates import PodTemplate
from sidecar_plugin.yamledit.documents import Document
from sidecar_plugin.yamledit.equality import same_data

Key = tuple[str, str, str, str]
"""API version, kind, namespace and name."""


class BroughtManifests:
    """Manifests by what identifies them; a new one is kept apart until the stream that takes it is written."""

    __slots__ = ("_known", "_new", "removed")

    def __init__(self) -> None:
        self._known: dict[Key, dict[str, Any]] = {}
        self._new: dict[Key, str] = {}  # the agents that brought them
        self.removed: list[AgentManifest] = []

    def add(self, pod: PodTemplate, manifests: list[tuple[str, dict[str, Any]]]) -> None:
        """Add what agents bring along for a pod, in its namespace. Raises ClashError for two that are not the same."""
        for agent, manifest in manifests:
            metadata = dict(manifest["metadata"])
            if pod.namespace and "namespace" not in metadata:
                metadata["namespace"] = pod.namespace
            data = {**manifest, "metadata": metadata}
            key = (data["apiVersion"], data["kind"], metadata.get("namespace", ""), metadata["name"])
            known = self._known.get(key)
            if known is None:
                self._known[key] = data
                self._new[key] = agent
            elif not same_data(known, data):
                message = f"two agents or workloads bring a {key[1]}/{key[3]}, but not the same one (agent {agent})"
                raise ClashError(message, pod.document.place(pod.offset))

    def lost(self) -> list[AgentManifest]:
        """Return the manifests of an earlier run that were removed from the stream and not added again."""
        known = {key[1:] for key in self._known}
        return [manifest for manifest in self.removed if manifest.identity not in known]

    def new(self) -> list[dict[str, Any]]:
        """Return what was added since the last call of `take` or `drop`, with the marker."""
        return [_marked(self._known[key], agent) for key, agent in self._new.items()]

    def take(self) -> list[dict[str, Any]]:
        """Return what `new` does, and count it as brought."""
        manifests = self.new()
        self._new.clear()
        return manifests

    def drop(self) -> None:
        """Forget what is new: the stream was refused."""
        for key in self._new:
            del self._known[key]
        self._new.clear()

    def check_apart(self, documents: list[Document]) -> None:
        """Raise ClashError if one of the documents is already what a new manifest is."""
        brought = {(kind, namespace, name) for _, kind, namespace, name in self._new}
        kinds = {kind for kind, _, _ in brought}
        for document in documents:
            text = document.text
            if not any(kind in text for kind in kinds) or (known := identity(document)) not in brought:
                continue
            message = f"an agent brings a {known[0]}/{known[2]}, and there is one already; rename either"
            root = document.parse().root
            raise ClashError(message, document.place(root.start if root else 0))


def _marked(manifest: dict[str, Any], agent: str) -> dict[str, Any]:
    metadata = manifest["metadata"]
    annotations = {**(metadata.get("annotations") or {}), INJECTED: manifest_marker(agent)}
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}
