"""a sidecar without resource limits

An agent that grows takes memory from the application it serves, and virtual nodes make the pod as large as its
containers say. Asked for are a memory limit, and a CPU limit or request. Limits of the whole pod (`spec.resources`)
count.

Passes:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      initContainers:
      - name: agent
        image: "agent:1"
        restartPolicy: Always
        resources: {requests: {cpu: 50m}, limits: {memory: 128Mi}}
      containers:
      - {name: web, image: "web:1"}

Fails:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      initContainers:
      - {name: agent, image: "agent:1", restartPolicy: Always}
      containers:
      - {name: web, image: "web:1"}

Source: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/.
"""

from collections.abc import Iterator

from sidecar_plugin.commands.check.pod import Cluster, PodSubject, Problem, value, who

ID = "sidecar-without-limits"
LEVEL = "warning"
NEEDS: tuple[str, ...] = ()


def check(subject: PodSubject, cluster: Cluster) -> Iterator[Problem]:
    if value(subject.pod.spec, "resources", "limits", "memory") is not None:
        return
    for sidecar in subject.sidecars:
        resources = value(sidecar.container.node, "resources")
        missing = []
        if value(resources, "limits", "memory") is None:
            missing.append("no memory limit")
        if value(resources, "limits", "cpu") is None and value(resources, "requests", "cpu") is None:
            missing.append("neither a CPU limit nor a CPU request")
        if missing:
            yield Problem(
                resources or sidecar.container.node,
                sidecar.container.field(subject.pod, "resources"),
                f"{who(sidecar.container)} has {' and '.join(missing)}",
                "set resources.limits of the sidecar",
            )
