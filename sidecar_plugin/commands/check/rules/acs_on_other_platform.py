"""the declaration acs on another platform than ACS

`__IS_SIDECAR__` is Alibaba Cloud's own. Anywhere else it is a variable like any other, and the container a plain one.
Without a platform nothing is said.

Passes with --platform acs:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - {name: web, image: "web:1"}
      - {name: agent, image: "agent:1", env: [{name: __IS_SIDECAR__, value: "true"}]}

Fails with --platform kubernetes:

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
from sidecar_plugin.kubernetes.declarations import acs

ID = "acs-on-other-platform"
LEVEL = "warning"
NEEDS = ("platform",)


def check(subject: PodSubject, cluster: Cluster) -> Iterator[Problem]:
    if cluster.platform == "acs":
        return
    for sidecar in subject.sidecars:
        if sidecar.declaration == "acs":
            yield Problem(
                variables(sidecar.container.node, acs.DECLARATION.marks)[0].value,
                sidecar.container.field(subject.pod, "env[__IS_SIDECAR__]"),
                f"__IS_SIDECAR__ means nothing on platform {cluster.platform}: {who(sidecar.container)} is a plain one there",
                "use a native sidecar (convert --to native)",
            )
