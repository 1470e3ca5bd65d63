"""a sidecar that listens on ports of the node

With `hostNetwork: true` the ports of a pod's containers are those of its node. A second pod with the same sidecar on that
node fails to start it.

Passes:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      initContainers:
      - {name: agent, image: "agent:1", restartPolicy: Always, ports: [{containerPort: 2020}]}
      containers:
      - {name: web, image: "web:1"}

Fails:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      hostNetwork: true
      initContainers:
      - {name: agent, image: "agent:1", restartPolicy: Always, ports: [{containerPort: 2020}]}
      containers:
      - {name: web, image: "web:1"}

Source: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#PodSpec.
"""

from collections.abc import Iterator

from sidecar_plugin.commands.check.pod import Cluster, PodSubject, Problem
from sidecar_plugin.kubernetes import pod_rules

ID = "agent-on-host-network"
LEVEL = "warning"
NEEDS: tuple[str, ...] = ()


def check(subject: PodSubject, cluster: Cluster) -> Iterator[Problem]:
    return subject.pod_wide(pod_rules.host_network)
