"""a native sidecar on a cluster before 1.29

An API server that does not know `restartPolicy` of init containers drops it without a word. The container is then an
ordinary init container: the pod waits for it to end, in `Init`, for ever. Known and on by default from 1.29. Without a
cluster version nothing is said.

Passes with --cluster-version 1.29:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      initContainers:
      - {name: agent, image: "agent:1", restartPolicy: Always}
      containers:
      - {name: web, image: "web:1"}

Fails with --cluster-version 1.28:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      initContainers:
      - {name: agent, image: "agent:1", restartPolicy: Always}
      containers:
      - {name: web, image: "web:1"}

Source: KEP-753, "Feature Enablement and Rollback"; alpha and off by default in 1.28.
"""

from collections.abc import Iterator

from sidecar_plugin.commands.check.pod import Cluster, PodSubject, Problem, value, who
from sidecar_plugin.kubernetes.cluster_version import NATIVE_SIDECARS

ID = "native-before-1.29"
LEVEL = "error"
NEEDS = ("version",)


def check(subject: PodSubject, cluster: Cluster) -> Iterator[Problem]:
    assert cluster.version is not None
    if cluster.version >= NATIVE_SIDECARS:
        return
    for sidecar in subject.sidecars:
        if sidecar.declaration == "native":
            yield Problem(
                value(sidecar.container.node, "restartPolicy") or sidecar.container.node,
                sidecar.container.field(subject.pod, "restartPolicy"),
                f"{who(sidecar.container)} is a native sidecar, and the cluster is {cluster.version}: the pod waits in Init",
                "use acs on Alibaba Cloud ACS or a regular container (convert --to), or a cluster from 1.29",
            )
