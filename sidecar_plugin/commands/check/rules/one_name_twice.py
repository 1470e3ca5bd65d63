"""two containers of one name in a pod

A container's name is unique in the pod, over `containers` and `initContainers` together. The API server refuses the pod.

Passes:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      initContainers:
      - {name: migrate, image: "web:1"}
      containers:
      - {name: web, image: "web:1"}

Fails:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      initContainers:
      - {name: web, image: "web:1"}
      containers:
      - {name: web, image: "web:1"}

Source: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#Container.
"""

from collections.abc import Iterator

from sidecar_plugin.commands.check.pod import Cluster, PodSubject, Problem
from sidecar_plugin.kubernetes import pod_rules

ID = "one-name-twice"
LEVEL = "error"
NEEDS: tuple[str, ...] = ()


def check(subject: PodSubject, cluster: Cluster) -> Iterator[Problem]:
    return subject.pod_wide(pod_rules.names)
