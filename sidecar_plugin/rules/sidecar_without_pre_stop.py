"""a sidecar that ends with the application and has no preStop

When a pod is deleted, a regular container gets SIGTERM at the same time as the application, so an agent can be gone
before the application's last lines are sent; and ACS ends its sidecars by force when the application has ended. A
`preStop` hook holds the end back (`sleep: {seconds: 5}` from Kubernetes 1.30, an `exec` before) or sends what is left.
A native sidecar needs none: the kubelet ends it after the application. Looked at are the sidecars declared `acs` and
those injected as `regular`.

Passes:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - {name: web, image: "web:1"}
      - name: agent
        image: "agent:1"
        env: [{name: __IS_SIDECAR__, value: "true"}]
        lifecycle: {preStop: {exec: {command: [flush]}}}

Fails:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - {name: web, image: "web:1"}
      - name: agent
        image: "agent:1"
        env: [{name: __IS_SIDECAR__, value: "true"}]

Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination; KEP-753, "Terminating
containers"; https://www.alibabacloud.com/help/en/cs/user-guide/declaring-container-types.
"""

from collections.abc import Iterator

from sidecar_plugin.linting.subject import Cluster, PodSubject, Problem, value, who

ID = "sidecar-without-pre-stop"
LEVEL = "warning"
ABOUT = "pod"
NEEDS = ()

_ENDS = {
    "acs": "ACS ends it by force when the application has ended",
    "regular": "it gets SIGTERM together with the application",
}


def check(subject: PodSubject, cluster: Cluster) -> Iterator[Problem]:
    for sidecar in subject.sidecars:
        ends = _ENDS.get(sidecar.declaration)
        if ends and value(sidecar.container.node, "lifecycle", "preStop") is None:
            yield Problem(
                sidecar.container.node,
                sidecar.container.field(subject.pod, "lifecycle.preStop"),
                f"{who(sidecar.container)} has no preStop, and {ends}: what it still holds may be lost",
                "add lifecycle.preStop, or make it a native sidecar on Kubernetes 1.29 or later",
            )
