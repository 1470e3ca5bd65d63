"""the declaration acs on a cluster from 1.29

It works there, with a limit that Alibaba Cloud names: after a failure retry, containerStatus and pod status are not
updated to Running. Native sidecars have no such limit. Without a cluster version nothing is said.

Passes with --cluster-version 1.28:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - {name: web, image: "web:1"}
      - {name: agent, image: "agent:1", env: [{name: __IS_SIDECAR__, value: "true"}]}

Fails with --cluster-version 1.30:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - {name: web, image: "web:1"}
      - {name: agent, image: "agent:1", env: [{name: __IS_SIDECAR__, value: "true"}]}

Source: https://www.alibabacloud.com/help/en/cs/user-guide/declaring-container-types.
"""

from collections.abc import Iterator

from sidecar_plugin.commands.check.pod import Cluster, PodSubject, Problem, who
from sidecar_plugin.injection.sidecars import variables
from sidecar_plugin.kubernetes.cluster_version import NATIVE_SIDECARS
from sidecar_plugin.kubernetes.declarations import acs

ID = "acs-from-1.29"
LEVEL = "warning"
NEEDS = ("version",)


def check(subject: PodSubject, cluster: Cluster) -> Iterator[Problem]:
    assert cluster.version is not None
    if cluster.version < NATIVE_SIDECARS:
        return
    for sidecar in subject.sidecars:
        if sidecar.declaration == "acs":
            yield Problem(
                variables(sidecar.container.node, acs.DECLARATION.marks)[0].value,
                sidecar.container.field(subject.pod, "env[__IS_SIDECAR__]"),
                f"{who(sidecar.container)} is declared by __IS_SIDECAR__, and the cluster is {cluster.version}: after a "
                "failure retry its status is not updated to Running",
                "use a native sidecar (convert --to native)",
            )
