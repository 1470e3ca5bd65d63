"""a native sidecar, and a node of the same files whose kubelet is before 1.29

A kubelet before 1.29 takes a native sidecar for an ordinary init container: the pod waits for it to end, in `Init`, for ever.
A cluster in the middle of an upgrade has such nodes. Nodes are read from the files (`kubectl get nodes -o yaml`), or from the
cluster with `--cluster`. A virtual node is left out: it reports a version of its own.

Passes:

    apiVersion: v1
    kind: Node
    metadata: {name: one}
    status: {nodeInfo: {kubeletVersion: v1.30.2}}
    ---
    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      initContainers:
      - {name: agent, image: "agent:1", restartPolicy: Always}
      containers:
      - {name: web, image: "web:1"}

Fails:

    apiVersion: v1
    kind: Node
    metadata: {name: one}
    status: {nodeInfo: {kubeletVersion: v1.28.9}}
    ---
    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      initContainers:
      - {name: agent, image: "agent:1", restartPolicy: Always}
      containers:
      - {name: web, image: "web:1"}

Source: KEP-753, "Version Skew Strategy".
"""

from collections.abc import Iterator

from sidecar_plugin.commands.check.pod import Cluster, PodSubject, Problem, value, who
from sidecar_plugin.errors import first_of
from sidecar_plugin.kubernetes.cluster_version import NATIVE_SIDECARS

ID = "native-on-older-node"
LEVEL = "error"
NEEDS: tuple[str, ...] = ()
_NAMED = 3  # nodes that a message names


def check(subject: PodSubject, cluster: Cluster) -> Iterator[Problem]:
    older = [node for node in cluster.nodes if node.version and node.version < NATIVE_SIDECARS and not node.is_virtual]
    if not older:
        return
    names = first_of([f"{node.name} ({node.version})" for node in older], _NAMED)
    for sidecar in subject.sidecars:
        if sidecar.declaration == "native":
            yield Problem(
                value(sidecar.container.node, "restartPolicy") or sidecar.container.node,
                sidecar.container.field(subject.pod, "restartPolicy"),
                f"{who(sidecar.container)} is a native sidecar, and the kubelets of {names} do not know it: on these "
                "nodes the pod waits in Init",
                "upgrade these nodes first, or keep the pod off them",
            )
