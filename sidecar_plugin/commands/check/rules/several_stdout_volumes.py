"""two volumes of medium Stdout

An `emptyDir` of medium `Stdout` holds what the pod's containers write to standard output, on Alibaba Cloud ACS. A pod
can have one; agents that need it share it.

Passes:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      volumes:
      - {name: stdout, emptyDir: {medium: Stdout}}
      containers:
      - {name: web, image: "web:1"}
      - {name: one, image: "one:1", volumeMounts: [{name: stdout, mountPath: /stdout}]}
      - {name: two, image: "two:1", volumeMounts: [{name: stdout, mountPath: /stdout}]}

Fails:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      volumes:
      - {name: stdout, emptyDir: {medium: Stdout}}
      - {name: again, emptyDir: {medium: Stdout}}
      containers:
      - {name: web, image: "web:1"}
      - {name: one, image: "one:1", volumeMounts: [{name: stdout, mountPath: /stdout}]}
      - {name: two, image: "two:1", volumeMounts: [{name: again, mountPath: /stdout}]}

Source: Alibaba Cloud, collecting standard output of ACS pods by sidecars; not tried on a cluster here.
"""

from collections.abc import Iterator

from sidecar_plugin.commands.check.pod import Cluster, PodSubject, Problem, text
from sidecar_plugin.injection.pod_contents import STDOUT

ID = "several-stdout-volumes"
LEVEL = "error"
NEEDS: tuple[str, ...] = ()


def check(subject: PodSubject, cluster: Cluster) -> Iterator[Problem]:
    volumes = [volume for volume in subject.items("volumes") if text(volume, "emptyDir", "medium") == STDOUT]
    for volume in volumes[1:]:
        yield Problem(
            volume,
            subject.field(f"spec.volumes[{text(volume, 'name')}]"),
            f'a second emptyDir of medium Stdout; "{text(volumes[0], "name")}" is one already, and a pod can have one',
            f'mount "{text(volumes[0], "name")}" instead',
        )
