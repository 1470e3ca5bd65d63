"""The containers of a pod, and which of them are declared sidecars, and how."""

from collections.abc import Collection
from typing import NamedTuple

from sidecar_plugin.injection.marker import Marker
from sidecar_plugin.kubernetes.containers import Container, containers
from sidecar_plugin.kubernetes.declarations import recognised
from sidecar_plugin.kubernetes.declarations.protocol import SeenContainer
from sidecar_plugin.kubernetes.pod_templates import PodTemplate
from sidecar_plugin.yamledit.access import effective_pair, items_at, scalar_text
from sidecar_plugin.yamledit.construct import DataError, resolve
from sidecar_plugin.yamledit.nodes import Alias, Mapping, Node, Scalar, follow


class Sidecar(NamedTuple):
    """A container that is declared a sidecar; `agent` is the one it was injected for, "" for one written by hand."""

    container: Container
    declaration: str
    agent: str


def sidecars(pod: PodTemplate, marker: Marker | None, named: frozenset[str] = frozenset()) -> list[Sidecar]:
    """Return the sidecars of a pod: by their declaration; regular ones by the marker, or because they are `named`."""
    agents = {entry.get("container", ""): agent for agent, entry in marker.agents.items()} if marker else {}
    found = []
    for container in containers(pod):
        agent = agents.get(container.name, "")
        declaration = recognised(_seen(pod, container))
        if not declaration and container.list_name == "containers" and (agent or container.name in named):
            declaration = "regular"
        if declaration:
            found.append(Sidecar(container, declaration, agent))
    return found


def _seen(pod: PodTemplate, container: Container) -> SeenContainer:
    values = {}
    for item in items_at(container.node, "env"):
        entry = follow(item)
        value = effective_pair(entry, "value") if isinstance(entry, Mapping) else None
        text = string_of(value[1]) if value else None
        if text is not None:
            values[scalar_text(entry, "name") or ""] = text
    policy = scalar_text(container.node, "restartPolicy") or ""
    return SeenContainer(container.list_name, container.name, policy, values, pod.annotations)


class Variable(NamedTuple):
    """An entry of a container's environment: its place in the list, its name, and the node of its value (else of the entry)."""

    place: int
    name: str
    value: Node


def variables(container: Mapping, names: Collection[str]) -> list[Variable]:
    """Return the entries of a container's environment that have one of the names."""
    found = []
    for index, item in enumerate(items_at(container, "env")):
        entry = follow(item)
        name = scalar_text(entry, "name")
        if name is not None and name in names:
            value = effective_pair(entry, "value") if isinstance(entry, Mapping) else None
            found.append(Variable(index, name, value[1] if value else item))
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
