"""a container of user 0 in a pod that must not run as root

Where `runAsNonRoot: true` holds, for the pod or for the container, the kubelet does not start a container with
`runAsUser: 0`: it waits with CreateContainerConfigError.

Passes:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      securityContext: {runAsNonRoot: true, runAsUser: 1000}
      containers:
      - {name: web, image: "web:1"}

Fails:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      securityContext: {runAsNonRoot: true}
      containers:
      - {name: web, image: "web:1", securityContext: {runAsUser: 0}}

Source: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/.
"""

from collections.abc import Iterator

from sidecar_plugin.commands.check.pod import Cluster, PodSubject, Problem
from sidecar_plugin.kubernetes import pod_rules

ID = "root-where-non-root-holds"
LEVEL = "error"
NEEDS: tuple[str, ...] = ()


def check(subject: PodSubject, cluster: Cluster) -> Iterator[Problem]:
    return subject.pod_wide(pod_rules.non_root)
