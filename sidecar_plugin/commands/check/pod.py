"""What a rule is given, and what it gives: one pod template or document, the cluster as far as it is known, problems."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

from sidecar_plugin.errors import ManifestError
from sidecar_plugin.injection.marker import Marker, marker_of
from sidecar_plugin.injection.sidecars import Sidecar, sidecars
from sidecar_plugin.kubernetes import pod_rules
from sidecar_plugin.kubernetes.cluster_version import ClusterVersion
from sidecar_plugin.kubernetes.containers import Container, containers
from sidecar_plugin.kubernetes.pod_rules import Problem as Problem
from sidecar_plugin.kubernetes.pod_templates import PodTemplate, runs_to_completion
from sidecar_plugin.yamledit.access import items_at, scalar_text, text_at, value_at
from sidecar_plugin.yamledit.construct import DataError, resolve, to_data
from sidecar_plugin.yamledit.documents import Document
from sidecar_plugin.yamledit.nodes import Mapping, Node, Scalar, Sequence, Target, follow


class ClusterNode(NamedTuple):
    """A node: the version of its kubelet, and whether it is a virtual one."""

    name: str
    version: ClusterVersion | None
    is_virtual: bool


class Cluster(NamedTuple):
    """What is known of the cluster; None for what no source gives. `webhooks` are what changes pods, policies too."""

    version: ClusterVersion | None
    platform: str | None
    nodes: tuple[ClusterNode, ...] = ()
    webhooks: tuple[str, ...] = ()


class PodSubject:
    """A pod template as rules see it: lists read leniently, so that what is of the wrong type is simply not there."""

    def __init__(self, pod: PodTemplate) -> None:
        self.pod = pod
        self.document = pod.document

    @cached_property
    def marker(self) -> Marker | None:
        """What was injected; None for a marker that cannot be read, too."""
        try:
            found = marker_of(self.pod.document, self.pod.template)
        except ManifestError:
            return None
        return found[1] if found else None

    @cached_property
    def containers(self) -> list[Container]:
        """The init containers and the containers."""
        return list(containers(self.pod))

    @cached_property
    def sidecars(self) -> list[Sidecar]:
        """The containers that are declared sidecars; regular ones if they were injected."""
        return sidecars(self.pod, self.marker)

    @cached_property
    def view(self) -> pod_rules.PodView | None:
        """The pod as the pod-wide rules read it; None for one that is no plain data."""
        return pod_rules.view_of(self.pod, [sidecar.container for sidecar in self.sidecars])

    def pod_wide(self, rule: pod_rules.Rule) -> Iterator[Problem]:
        """Return what breaks one of the rules that `inject` holds pods against too."""
        return rule(self.view) if self.view else iter(())

    @property
    def completes(self) -> bool:
        """Whether the pod ends by itself."""
        return runs_to_completion(self.pod)

    def items(self, key: str) -> list[Mapping]:
        """Return the mappings in a list of the pod spec."""
        return mappings(self.pod.spec, key)

    def field(self, path: str) -> str:
        """Return the path in the document of a path in the pod template."""
        return f"{self.pod.path}{path}"

    def is_true(self, key: str) -> bool:
        """Say whether a field of the pod spec is true."""
        return is_true(value(self.pod.spec, key))


class DocumentSubject(NamedTuple):
    """A document as rules see it."""

    document: Document
    root: Target


text = text_at
value = value_at


def mappings(node: Node | None, *path: str) -> list[Mapping]:
    """Return the mappings in the list at a path."""
    return [target for target in map(follow, items_at(node, *path)) if isinstance(target, Mapping)]


def is_true(node: Node | None) -> bool:
    """Say whether Kubernetes reads the node as true."""
    return plain(node) is True


def plain(node: Node | None) -> Any:
    """Return a scalar as Kubernetes reads it, None for what is no scalar."""
    if not isinstance(node, Scalar):
        return None
    try:
        return resolve(node)
    except DataError:
        return None


def strings(node: Node | None, *path: str) -> list[str]:
    """Return the texts of the list at a path, such as a command."""
    found = value(node, *path)
    if not isinstance(found, Sequence):
        return []
    try:
        return [str(item) for item in to_data(found) if isinstance(item, (str, int, float))]
    except DataError:
        return []


def application(subject: PodSubject) -> Iterator[Container]:
    """Yield the regular containers that are no declared sidecars."""
    ours = {id(sidecar.container.node) for sidecar in subject.sidecars}
    for container in subject.containers:
        if container.list_name == "containers" and id(container.node) not in ours:
            yield container


def who(container: Container) -> str:
    """Return what a message calls a container."""
    return f'the container "{container.name}"' if scalar_text(container.node, "name") else "the container"
