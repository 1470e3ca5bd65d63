"""a DaemonSet on a platform of virtual nodes

Virtual nodes run no DaemonSets, so this one has no pods there. Without a platform nothing is said.

Passes with --platform kubernetes:

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

Fails with --platform acs:

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

Source: https://www.alibabacloud.com/help/en/cs/user-guide/declaring-container-types,
https://docs.aws.amazon.com/eks/latest/userguide/fargate.html, https://learn.microsoft.com/azure/aks/virtual-nodes.
"""

from collections.abc import Iterator

from sidecar_plugin.commands.check.pod import Cluster, PodSubject, Problem
from sidecar_plugin.commands.check.virtual_nodes import without_daemonsets

ID = "daemonset-on-virtual-nodes"
LEVEL = "warning"
NEEDS = ("platform",)


def check(subject: PodSubject, cluster: Cluster) -> Iterator[Problem]:
    nodes = without_daemonsets(cluster.platform or "kubernetes")
    if subject.pod.kind == "DaemonSet" and nodes:
        yield Problem(
            subject.pod.root,
            subject.field("").removesuffix("spec.template."),
            f"{nodes} runs no DaemonSets, so this one has no pods there",
            "if it is an agent, inject it as a sidecar (sidecar-plugin from-daemonset makes an agent folder of it)",
        )
