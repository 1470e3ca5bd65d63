"""The containers of a pod, and which of them are declared sidecars, and how."""

from collections.abc import Iterator
from typing import NamedTuple

from sidecar_plugin.declarations.acs import VARIABLE
from sidecar_plugin.fields import effective_pair, scalar_text
from sidecar_plugin.marker import Marker
from sidecar_plugin.nodes import Alias, Mapping, Node, Scalar, Sequence, follow
from sidecar_plugin.plain_data import DataError, resolve
from sidecar_plugin.workloads import PodTemplate

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


class Sidecar(NamedTuple):
    """A container that is declared a sidecar; `agent` is the one it was injected for, "" for one written by hand."""

    container: Container
    declaration: str
    agent: str


def containers(pod: PodTemplate) -> Iterator[Container]:
    """Yield the init containers and the containers of a pod; what is no mapping is left out."""
    for list_name in LISTS:
        pair = effective_pair(pod.spec, list_name)
        node = follow(pair[1]) if pair else None
        for index, item in enumerate(node.items if isinstance(node, Sequence) else ()):
            target = follow(item)
            if isinstance(target, Mapping):
                yield Container(list_name, index, scalar_text(target, "name") or "", item, target)


def sidecars(pod: PodTemplate, marker: Marker | None, named: frozenset[str] = frozenset()) -> list[Sidecar]:
    """Return the sidecars of a pod: by their declaration; regular ones by the marker, or because they are `named`."""
    agents = {entry.get("container", ""): agent for agent, entry in marker.agents.items()} if marker else {}
    found = []
    for container in containers(pod):
        agent = agents.get(container.name, "")
        declaration = _declaration(container)
        if not declaration and container.list_name == "containers" and (agent or container.name in named):
            declaration = "regular"
        if declaration:
            found.append(Sidecar(container, declaration, agent))
    return found


def _declaration(container: Container) -> str:
    if container.list_name == "initContainers":
        return "native" if scalar_text(container.node, "restartPolicy") == "Always" else ""
    return "acs" if any(string_of(value) == "true" for _, value in marks(container.node)) else ""


def marks(container: Mapping) -> list[tuple[int, Node]]:
    """Return the entries `__IS_SIDECAR__` of a container's environment: index and value each (without one, the entry)."""
    pair = effective_pair(container, "env")
    env = follow(pair[1]) if pair else None
    found = []
    for index, item in enumerate(env.items if isinstance(env, Sequence) else ()):
        entry = follow(item)
        if scalar_text(entry, "name") == VARIABLE:
            value = effective_pair(entry, "value") if isinstance(entry, Mapping) else None
            found.append((index, value[1] if value else item))
    return found


def string_of(node: Node) -> str | None:
    """Return a node's text if it is a string as Kubernetes reads it, else None."""
    node = follow(node) if isinstance(node, Alias) else node
    if not isinstance(node, Scalar):
        return None
    try:
        value = resolve(node)
    except DataError:
        return None
    return value if isinstance(value, str) else None
