"""two containers of a pod on one port

All containers of a pod share one network, so the second that listens on a port fails to start: an agent's status or
metrics port beside the application's own. Compared are the ports that containers declare and those that their probes ask,
of native sidecars too. Ordinary init containers are not compared: they have ended before.

Passes:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      initContainers:
      - {name: agent, image: "agent:1", restartPolicy: Always, ports: [{containerPort: 2020}]}
      containers:
      - {name: web, image: "web:1", ports: [{containerPort: 8080}]}

Fails:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      initContainers:
      - {name: agent, image: "agent:1", restartPolicy: Always, ports: [{containerPort: 8080}]}
      containers:
      - {name: web, image: "web:1", ports: [{containerPort: 8080}]}

Source: https://kubernetes.io/docs/concepts/workloads/pods/#pod-networking.
"""

from collections.abc import Iterator

from sidecar_plugin.commands.check.pod import Cluster, PodSubject, Problem, mappings, plain, text, value, who
from sidecar_plugin.kubernetes.containers import Container, listening_ports
from sidecar_plugin.yamledit.construct import DataError, to_data
from sidecar_plugin.yamledit.nodes import Node

ID = "port-clash"
LEVEL = "error"
ABOUT = "pod"
NEEDS = ()


def check(subject: PodSubject, cluster: Cluster) -> Iterator[Problem]:
    taken: dict[tuple[int, str], Container] = {}
    natives = {id(sidecar.container.node) for sidecar in subject.sidecars}
    for container in subject.containers:
        if container.list_name == "initContainers" and id(container.node) not in natives:
            continue
        for port in mappings(container.node, "ports"):
            number = plain(value(port, "containerPort"))
            if not isinstance(number, int) or isinstance(number, bool):
                continue
            key = (number, text(port, "protocol") or "TCP")
            other = taken.setdefault(key, container)
            if other.node is not container.node:
                yield _problem(subject, container, other, key, value(port, "containerPort") or port)
        for number in sorted(_ports(container)):
            other = taken.setdefault((number, "TCP"), container)
            declared = {plain(value(port, "containerPort")) for port in mappings(container.node, "ports")}
            if other.node is not container.node and number not in declared:
                yield _problem(subject, container, other, (number, "TCP"), container.node)


def _ports(container: Container) -> set[int]:
    try:
        return listening_ports(to_data(container.node))
    except DataError:
        return set()


def _problem(subject: PodSubject, container: Container, other: Container, key: tuple[int, str], node: Node) -> Problem:
    number, protocol = key
    return Problem(
        node,
        container.field(subject.pod, "ports"),
        f"{who(container)} and {who(other)} both listen on port {number}/{protocol}; a pod has one network",
        "give one of them another port",
    )
