"""The containers of a pod, as nodes, and the ports that one listens on."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sidecar_plugin.kubernetes.pod_templates import PodTemplate
from sidecar_plugin.yamledit.access import items_at, scalar_text
from sidecar_plugin.yamledit.nodes import Mapping, Node, follow

LISTS = ("initContainers", "containers")


class Container(NamedTuple):
    """A container of a pod: its list, its index there, and its nodes (`item` may be an alias of `node`)."""

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
    """Yield the init containers and the containers of a pod, except items that are not mappings."""
    for list_name in LISTS:
        for index, item in enumerate(items_at(pod.spec, list_name)):
            target = follow(item)
            if isinstance(target, Mapping):
                yield Container(list_name, index, scalar_text(target, "name") or "", item, target)


def of_one_name(pod: PodTemplate) -> Iterator[tuple[Container, Container]]:
    """Yield the first container of a name and each further one of that name, in either list: the API server refuses the pod."""
    first: dict[str, Container] = {}
    for container in containers(pod):
        if container.name and first.setdefault(container.name, container) is not container:
            yield first[container.name], container


def listening_ports(container: dict[str, Any]) -> set[tuple[int, str]]:
    """Return the ports that a container listens on, each with its protocol: those that it declares or that its probes ask."""
    ports = container.get("ports")
    found = [port for port in ports if isinstance(port, dict)] if isinstance(ports, list) else []
    numbers = [(port.get("containerPort"), str(port.get("protocol") or "TCP")) for port in found]
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        asked = container.get(probe)
        kinds = [asked.get(kind) for kind in ("httpGet", "tcpSocket", "grpc")] if isinstance(asked, dict) else []
        numbers += [(kind.get("port"), "TCP") for kind in kinds if isinstance(kind, dict) and not kind.get("host")]
    return {(number, protocol) for number, protocol in numbers if isinstance(number, int) and not isinstance(number, bool)}
