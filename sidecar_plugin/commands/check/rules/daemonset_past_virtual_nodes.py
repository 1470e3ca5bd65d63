"""a DaemonSet, and virtual nodes of the same files

Virtual nodes run no pods of DaemonSets: a pod on one of them goes without this agent. Nodes are read from the files, or from
the cluster with `--cluster`; one is virtual by the label `type: virtual-kubelet`, by Fargate's label or by virtual-kubelet's
taint.

Passes:

    apiVersion: v1
    kind: Node
    metadata: {name: one, labels: {kubernetes.io/os: linux}}
    ---
    apiVersion: apps/v1
    kind: DaemonSet
    metadata: {name: logs}
    spec:
      selector: {matchLabels: {app: logs}}
      template:
        metadata: {labels: {app: logs}}
        spec:
          containers:
          - {name: logs, image: "fluent/fluent-bit:4.0.1"}

Fails:

    apiVersion: v1
    kind: Node
    metadata: {name: virtual, labels: {type: virtual-kubelet}}
    ---
    apiVersion: apps/v1
    kind: DaemonSet
    metadata: {name: logs}
    spec:
      selector: {matchLabels: {app: logs}}
      template:
        metadata: {labels: {app: logs}}
        spec:
          containers:
          - {name: logs, image: "fluent/fluent-bit:4.0.1"}

Source: https://virtual-kubelet.io/docs/, https://docs.aws.amazon.com/eks/latest/userguide/fargate.html.
"""

from collections.abc import Iterator

from sidecar_plugin.commands.check.pod import Cluster, PodSubject, Problem
from sidecar_plugin.errors import first_of

ID = "daemonset-past-virtual-nodes"
LEVEL = "warning"
NEEDS: tuple[str, ...] = ()
_NAMED = 3  # nodes that a message names


def check(subject: PodSubject, cluster: Cluster) -> Iterator[Problem]:
    virtual = [node.name for node in cluster.nodes if node.is_virtual]
    if subject.pod.kind == "DaemonSet" and virtual:
        yield Problem(
            subject.pod.root,
            subject.field("").removesuffix("spec.template."),
            f"the virtual nodes {first_of(virtual, _NAMED)} run no DaemonSets, so pods there go without this one",
            "if it is an agent, inject it as a sidecar (sidecar-plugin from-daemonset makes an agent folder of it)",
        )
