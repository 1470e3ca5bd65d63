"""resources of a pod that do not hold those of its containers

From Kubernetes 1.34 on a pod can have `resources` of its own. The API server refuses a pod whose containers request more
together than the pod does. Ordinary init containers do not count: they have ended before.

Passes:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      resources: {requests: {cpu: 600m}}
      containers:
      - {name: web, image: "web:1", resources: {requests: {cpu: 500m}}}
      - {name: agent, image: "agent:1", resources: {requests: {cpu: 100m}}}

Fails:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      resources: {requests: {cpu: 500m}}
      containers:
      - {name: web, image: "web:1", resources: {requests: {cpu: 500m}}}
      - {name: agent, image: "agent:1", resources: {requests: {cpu: 100m}}}

Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-level-resources/.
"""

from collections.abc import Iterator

from sidecar_plugin.commands.check.pod import Cluster, PodSubject, Problem
from sidecar_plugin.kubernetes import pod_rules

ID = "pod-resources-too-small"
LEVEL = "error"
NEEDS: tuple[str, ...] = ()


def check(subject: PodSubject, cluster: Cluster) -> Iterator[Problem]:
    return subject.pod_wide(pod_rules.pod_resources)
