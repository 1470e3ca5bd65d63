"""a native sidecar that has lost its restartPolicy on the way to the cluster

The marker of the pod says that an agent was injected as a native sidecar, and its init container has no
`restartPolicy: Always`. A webhook or a policy that knows an older Kubernetes drops the field when it writes the pod anew; the
pod then waits for the agent to end, in `Init`, for ever. With `--cluster` the pods that controllers made are looked at too, and
the finding names the webhooks.

Passes:

    apiVersion: v1
    kind: Pod
    metadata:
      name: web
      annotations:
        sidecar-plugin.dev/injected: >-
          {"version":1,"agents":{"agent":{"declaration":"native","container":"agent"}},
          "added":{"spec.initContainers":["agent"]},"created":["spec.initContainers"]}
    spec:
      initContainers:
      - {name: agent, image: "agent:1", restartPolicy: Always}
      containers:
      - {name: web, image: "web:1"}

Fails:

    apiVersion: v1
    kind: Pod
    metadata:
      name: web
      annotations:
        sidecar-plugin.dev/injected: >-
          {"version":1,"agents":{"agent":{"declaration":"native","container":"agent"}},
          "added":{"spec.initContainers":["agent"]},"created":["spec.initContainers"]}
    spec:
      initContainers:
      - {name: agent, image: "agent:1"}
      containers:
      - {name: web, image: "web:1"}

Source: https://kubernetes.io/docs/concepts/cluster-administration/admission-webhooks-good-practices/.
"""

from collections.abc import Iterator

from sidecar_plugin.commands.check.pod import Cluster, PodSubject, Problem, text, who

ID = "native-sidecar-stripped"
LEVEL = "error"
NEEDS: tuple[str, ...] = ()


def check(subject: PodSubject, cluster: Cluster) -> Iterator[Problem]:
    if subject.marker is None:
        return
    native = {str(entry.get("container")) for entry in subject.marker.agents.values() if entry.get("declaration") == "native"}
    by_whom = f" (those that change pods: {', '.join(cluster.webhooks)})" if cluster.webhooks else ""
    for container in subject.containers:
        if container.list_name == "initContainers" and container.name in native:
            if text(container.node, "restartPolicy") == "Always":
                continue
            yield Problem(
                container.node,
                container.field(subject.pod, "restartPolicy"),
                f"{who(container)} was injected as a native sidecar, and has no restartPolicy now: the pod waits in Init",
                f"find the webhook or policy that drops it{by_whom}, and upgrade it or keep it off these pods",
            )
