"""What one pod template has already: containers, volumes, claim templates, annotations and labels.

`additions` compares what agents add with it. Every list is read once, merge keys (`<<`) included.
"""

from sidecar_plugin.errors import ManifestError
from sidecar_plugin.kubernetes.pod_templates import PodTemplate
from sidecar_plugin.yamledit.access import check_once, effective_pair, items_at, scalar_text, value_at
from sidecar_plugin.yamledit.nodes import Mapping, Node, Sequence, follow, is_null, kind_of

CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")
STDOUT = "Stdout"
"""The medium of the emptyDir in which ACS keeps what the pod's containers write to stdout; a pod can have one such volume."""


class PodContents:
    """Reads the lists and maps of one pod template. Every method raises ManifestError for a field of the wrong type."""

    __slots__ = ("_lists", "_named", "containers", "pod")

    def __init__(self, pod: PodTemplate) -> None:
        self.pod = pod
        self._named: dict[tuple[int, str], dict[str, Node]] = {}
        self._lists: dict[int, str] = {}
        self.containers = self._containers("containers")

    def init_containers(self) -> list[Mapping]:
        """Return the init containers, native sidecars included."""
        return self._containers("initContainers")

    def list_name(self, container: Mapping) -> str:
        """Return the list of the pod spec that holds one of its containers."""
        return self._lists[id(container)]

    def _containers(self, list_name: str) -> list[Mapping]:
        listed = self.list_of(self.pod.spec, list_name)
        found = [node for node in map(follow, listed.items if listed else ()) if isinstance(node, Mapping)]
        for node in found:
            self._lists.setdefault(id(node), list_name)
        return found

    def list_of(self, mapping: Mapping, key: str) -> Sequence | None:
        """Return a list of the pod spec or of one of its containers, None if it is missing or null."""
        path = self._path_of(mapping)
        check_once(self.pod.document, mapping, key, path)
        pair = effective_pair(mapping, key)
        if pair is None or is_null(follow(pair[1])):
            return None
        node = follow(pair[1])
        if not isinstance(node, Sequence):
            message = f"must be a list, but is {kind_of(pair[1])}"
            raise ManifestError(message, self.pod.document.place(pair[1].start), path + key)
        return node

    def named(self, key: str, identity: str = "name", mapping: Mapping | None = None) -> dict[str, Node]:
        """Return the items of a list of the pod spec, or of the container `mapping`, by the field that identifies them."""
        mapping = mapping or self.pod.spec
        found = self._named.get((id(mapping), key))
        if found is None:
            node = self.list_of(mapping, key)
            items = ((scalar_text(follow(item), identity), item) for item in (node.items if node else ()))
            found = {name: item for name, item in items if name is not None}
            self._named[id(mapping), key] = found
        return found

    def claim_templates(self) -> dict[str, Node]:
        """Return the volume claim templates of a StatefulSet and its like by name: each is a volume of the pod."""
        spec = value_at(self.pod.root, "spec")
        found: dict[str, Node] = {}
        for item in items_at(spec, "volumeClaimTemplates") if spec is not self.pod.spec else ():
            metadata = value_at(item, "metadata")
            name = scalar_text(metadata, "name") if metadata else None
            if name is not None:
                found[name] = item
        return found

    def stdout_volume(self) -> str | None:
        """Return the name of the pod's own volume of medium Stdout, None if it has none."""
        volumes = self.list_of(self.pod.spec, "volumes")
        for item in volumes.items if volumes else ():
            source = value_at(item, "emptyDir")
            if source and scalar_text(source, "medium") == STDOUT:
                return scalar_text(follow(item), "name")
        return None

    def strings(self, kind: str) -> Mapping | None:
        """Return the `annotations` or `labels` of the pod template, None if it has no such mapping."""
        metadata = value_at(self.pod.template, "metadata")
        if not isinstance(metadata, Mapping):
            return None
        check_once(self.pod.document, metadata, kind, f"{self.pod.path}metadata.")
        node = value_at(metadata, kind)
        return node if isinstance(node, Mapping) else None

    def _path_of(self, mapping: Mapping) -> str:
        if mapping is self.pod.spec:
            return f"{self.pod.path}spec."
        return f"{self.pod.path}spec.{self.list_name(mapping)}[{scalar_text(mapping, 'name') or '?'}]."
