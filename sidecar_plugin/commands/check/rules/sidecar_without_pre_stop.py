"""an agent in a plain container that has no preStop

When a pod is deleted, a plain container gets SIGTERM at the same time as the application, so an agent can be gone before
the application's last lines are sent. A `preStop` hook holds its end back (`sleep: {seconds: 5}` from Kubernetes 1.30,
an `exec` before) or sends what is left. Sidecars that are declared need none: the kubelet ends a native one after the
application, and so does ACS, by its documentation, with one declared by `__IS_SIDECAR__`. Pods that complete are the
matter of regular-sidecar-on-job.

Passes:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - {name: web, image: "web:1"}
      - name: logs
        image: fluent/fluent-bit:4.0.1
        lifecycle: {preStop: {sleep: {seconds: 5}}}

Fails:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - {name: web, image: "web:1"}
      - {name: logs, image: "fluent/fluent-bit:4.0.1"}

Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination; KEP-753;
https://www.alibabacloud.com/help/en/cs/user-guide/declaring-container-types.
"""

from collections.abc import Iterator

from sidecar_plugin.commands.check.known_images import plain_agents
from sidecar_plugin.commands.check.pod import Cluster, PodSubject, Problem, value, who

ID = "sidecar-without-pre-stop"
LEVEL = "warning"
NEEDS: tuple[str, ...] = ()


def check(subject: PodSubject, cluster: Cluster) -> Iterator[Problem]:
    if subject.completes:
        return
    for container, why in plain_agents(subject, cluster):
        if value(container.node, "lifecycle", "preStop") is None:
            yield Problem(
                container.node,
                container.field(subject.pod, "lifecycle.preStop"),
                f"{who(container)} ({why}) has no preStop, and it gets SIGTERM together with the application: it "
                "may be gone while that still writes and sends",
                "add lifecycle.preStop, or make it a native sidecar on Kubernetes 1.29 or later (convert --to native)",
            )
