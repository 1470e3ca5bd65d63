"""hostPath, hostNetwork or privileged in a pod for virtual nodes

A virtual node has no host that a pod could reach: such pods are refused or never start. The rule looks at all pods of a
platform of virtual nodes (`--platform acs`, `eci`, `bci`, `fargate`, `aci`). Without a platform it looks at pods that say
themselves that they are for virtual nodes: by the labels `alibabacloud.com/acs`, `alibabacloud.com/eci`,
`alibabacloud.com/compute-class`, `eks.amazonaws.com/fargate-profile`, by `nodeSelector` `type: virtual-kubelet` or
`alibabacloud.com/virtual-node: "true"`, or by tolerating `virtual-kubelet.io/provider` or `azure.com/aci`.

Passes with --platform acs:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      volumes:
      - {name: logs, emptyDir: {}}
      containers:
      - {name: web, image: "web:1"}

Fails with --platform acs:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      hostNetwork: true
      volumes:
      - {name: logs, hostPath: {path: /var/log}}
      containers:
      - {name: web, image: "web:1", securityContext: {privileged: true}}

Source: https://www.alibabacloud.com/help/en/cs/user-guide/acs-pod-instance-overview,
https://docs.aws.amazon.com/eks/latest/userguide/fargate.html; not tried on such a cluster here.
"""

from collections.abc import Iterator

from sidecar_plugin.commands.check.pod import Cluster, PodSubject, Problem, is_true, text, value, who
from sidecar_plugin.commands.check.virtual_nodes import virtual_nodes
from sidecar_plugin.yamledit.nodes import Node

ID = "host-access-on-virtual-nodes"
LEVEL = "error"
NEEDS: tuple[str, ...] = ()


def check(subject: PodSubject, cluster: Cluster) -> Iterator[Problem]:
    nodes = virtual_nodes(subject, cluster)
    if not nodes or subject.pod.kind == "DaemonSet":
        return
    for node, field, what, remedy in _host_access(subject):
        yield Problem(node, subject.field(f"spec.{field}"), f"{what}, which {nodes} does not have", remedy)


def _host_access(subject: PodSubject) -> Iterator[tuple[Node, str, str, str]]:
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        node = value(subject.pod.spec, key)
        if node and is_true(node):
            yield node, key, f"the pod asks for {key}", "leave it out"
    for volume in subject.items("volumes"):
        node = value(volume, "hostPath")
        if node:
            name = text(volume, "name")
            what = f'the volume "{name}" is a hostPath'
            yield node, f"volumes[{name}].hostPath", what, "use an emptyDir that the containers share"
    for container in subject.containers:
        node = value(container.node, "securityContext", "privileged")
        if node and is_true(node):
            field = f"{container.list_name}[{container.name}].securityContext.privileged"
            yield node, field, f"{who(container)} asks for privileged mode", "name the capabilities that it needs"
