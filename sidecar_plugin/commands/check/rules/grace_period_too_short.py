"""a grace period that ends within a preStop hook

The kubelet kills a container when `terminationGracePeriodSeconds` (30 by default) have passed, its preStop hook included.
An agent then loses what it still holds. The rule looks at `preStop.sleep`, whose seconds are known, and at sidecars in a
pod with a grace period of 0.

Passes:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      terminationGracePeriodSeconds: 30
      containers:
      - {name: web, image: "web:1", lifecycle: {preStop: {sleep: {seconds: 10}}}}

Fails:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - {name: web, image: "web:1", lifecycle: {preStop: {sleep: {seconds: 60}}}}

Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination.
"""

from collections.abc import Iterator

from sidecar_plugin.commands.check.pod import Cluster, PodSubject, Problem
from sidecar_plugin.kubernetes import pod_rules

ID = "grace-period-too-short"
LEVEL = "warning"
NEEDS: tuple[str, ...] = ()


def check(subject: PodSubject, cluster: Cluster) -> Iterator[Problem]:
    return subject.pod_wide(pod_rules.grace_period)
