"""TODO."""

from collections.abc import Iterator
from typing import NamedTuple

from sidecar_plugin.kubernetes.pod_templates import PodTemplate
from sidecar_plugin.yamledit.access import effective_pair, scalar_text
from sidecar_plugin.yamledit.nodes import Mapping, Node, Sequence, follow

LISTS = ("initContainers", "containers")


class Container(NamedTuple):
    """A container of a pod: in which list, at which place, and as written (`item` may be an alias)."""

    list_name: str
    place: int
    name: str
    item: Node
    node: Mapping

    def field(self, pod: PodTemplate, key: str = "") -> str:
        """Return the field path of the container, or of a field of it, in the document."""
        name = self.name or str(self.place)
        return f"{pod.path}spec.{self.list_name}[{name}]{'.' if key else ''}{key}"


def containers(pod: PodTemplate) -> Iterator[Container]:
    """Yield the init containers and the containers of a pod; what is no mapping is left out."""
    for list_name in LISTS:
        pair = effective_pair(pod.spec, list_name)
        node = follow(pair[1]) if pair else None
        for index, item in enumerate(node.items if isinstance(node, Sequence) else ()):
            target = follow(item)
            if isinstance(target, Mapping):
                yield Container(list_name, index, scalar_text(target, "name") or "", item, target)
