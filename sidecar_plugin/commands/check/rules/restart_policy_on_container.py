"""`restartPolicy: Always` on a regular container

The field makes an *init* container a native sidecar, but never one of the list `containers`. Up to Kubernetes 1.33 the
API server refuses the pod ("may not be set for non-init containers"). 1.34 drops the field without a word; with the
feature ContainerRestartRules it keeps it, and the container is still a plain one, with which a Job never completes.

Passes:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      initContainers:
      - {name: agent, image: "agent:1", restartPolicy: Always}
      containers:
      - {name: web, image: "web:1"}

Fails:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - {name: web, image: "web:1"}
      - {name: agent, image: "agent:1", restartPolicy: Always}

Source: https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/, KEP-753, KEP-5307; 1.34 was tried.
"""

from collections.abc import Iterator

from sidecar_plugin.commands.check.pod import Cluster, PodSubject, Problem, text, value, who

ID = "restart-policy-on-container"
LEVEL = "error"
NEEDS: tuple[str, ...] = ()


def check(subject: PodSubject, cluster: Cluster) -> Iterator[Problem]:
    for container in subject.containers:
        node = value(container.node, "restartPolicy")
        if container.list_name == "containers" and node and text(node) == "Always":
            yield Problem(
                node,
                container.field(subject.pod, "restartPolicy"),
                f"restartPolicy: Always does not make {who(container)} a sidecar: it is no init container",
                "move the container to initContainers (convert --to native --container NAME), or take the field out",
            )
