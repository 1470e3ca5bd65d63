"""a volume of medium Stdout that no container mounts

It collects what the containers write to standard output, and nobody reads it.

Passes:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      volumes:
      - {name: stdout, emptyDir: {medium: Stdout}}
      containers:
      - {name: web, image: "web:1"}
      - {name: agent, image: "agent:1", volumeMounts: [{name: stdout, mountPath: /stdout}]}

Fails:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      volumes:
      - {name: stdout, emptyDir: {medium: Stdout}}
      containers:
      - {name: web, image: "web:1"}
      - {name: agent, image: "agent:1"}

Source: Alibaba Cloud, collecting standard output of ACS pods by sidecars; not tried on a cluster here.
"""

from collections.abc import Iterator

from sidecar_plugin.commands.check.pod import Cluster, PodSubject, Problem, mappings, text
from sidecar_plugin.injection.pod_contents import STDOUT

ID = "unmounted-stdout-volume"
LEVEL = "warning"
NEEDS: tuple[str, ...] = ()


def check(subject: PodSubject, cluster: Cluster) -> Iterator[Problem]:
    mounted = {text(mount, "name") for container in subject.containers for mount in mappings(container.node, "volumeMounts")}
    for volume in subject.items("volumes"):
        name = text(volume, "name")
        if text(volume, "emptyDir", "medium") == STDOUT and name not in mounted:
            yield Problem(
                volume,
                subject.field(f"spec.volumes[{name}]"),
                f'no container mounts the volume "{name}" of medium Stdout, so nobody reads what it collects',
                "mount it in the agent, or take it out",
            )
