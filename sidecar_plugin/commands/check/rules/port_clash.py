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

from sidecar_plugin.commands.check.pod import Cluster, PodSubject, Problem
from sidecar_plugin.kubernetes import pod_rules

ID = "port-clash"
LEVEL = "error"
NEEDS: tuple[str, ...] = ()


def check(subject: PodSubject, cluster: Cluster) -> Iterator[Problem]:
    return subject.pod_wide(pod_rules.ports)
