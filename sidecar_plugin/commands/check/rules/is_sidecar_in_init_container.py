"""`__IS_SIDECAR__` in an init container

The variable is for regular containers. In an init container with `restartPolicy: Always` it is idle: that one is a
native sidecar already. In a plain init container it does not help: the pod waits until the container ends.

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
      initContainers:
      - {name: agent, image: "agent:1", env: [{name: __IS_SIDECAR__, value: "true"}]}
      containers:
      - {name: web, image: "web:1"}

Source: https://www.alibabacloud.com/help/en/cs/user-guide/declaring-container-types.
"""

from collections.abc import Iterator

from sidecar_plugin.commands.check.pod import Cluster, PodSubject, Problem, text, who
from sidecar_plugin.injection.sidecars import variables
from sidecar_plugin.kubernetes.declarations import acs

ID = "is-sidecar-in-init-container"
LEVEL = "error"
NEEDS: tuple[str, ...] = ()


def check(subject: PodSubject, cluster: Cluster) -> Iterator[Problem]:
    for container in subject.containers:
        if container.list_name != "initContainers":
            continue
        is_native = text(container.node, "restartPolicy") == "Always"
        for _, _, node in variables(container.node, acs.DECLARATION.marks):
            field = container.field(subject.pod, "env[__IS_SIDECAR__]")
            if is_native:
                message = f"{who(container)} is a native sidecar already; __IS_SIDECAR__ is for regular containers"
                yield Problem(node, field, message, "take the variable out")
            else:
                message = f"__IS_SIDECAR__ does not make an init container a sidecar: the pod waits until {who(container)} ends"
                yield Problem(node, field, message, "add restartPolicy: Always (from 1.29), or move it to containers")
