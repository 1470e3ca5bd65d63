"""an emptyDir of a medium that the node does not know

The API server takes any text as the medium of an `emptyDir`. A kubelet knows `Memory` and `HugePages`, and Alibaba Cloud ACS
`Stdout` too; a volume of another medium is never mounted, and the pod waits in `ContainerCreating` (`FailedMount`: unknown
storage medium). `Stdout` is a finding where another platform is named.

Passes with --platform acs:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      volumes:
      - {name: cache, emptyDir: {medium: Memory}}
      - {name: pages, emptyDir: {medium: HugePages-2Mi}}
      - {name: stdout, emptyDir: {medium: Stdout}}
      containers:
      - name: web
        image: "web:1"
        volumeMounts: [{name: stdout, mountPath: /stdout}]

Fails with --platform kubernetes:

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      volumes:
      - {name: cache, emptyDir: {medium: memory}}
      - {name: stdout, emptyDir: {medium: Stdout}}
      containers:
      - name: web
        image: "web:1"
        volumeMounts: [{name: stdout, mountPath: /stdout}]

Source: https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/volume/ (emptyDir.medium).
"""

import re
from collections.abc import Iterator

from sidecar_plugin.commands.check.pod import Cluster, PodSubject, Problem, text, value
from sidecar_plugin.errors import did_you_mean
from sidecar_plugin.injection.pod_contents import STDOUT

ID = "unknown-medium"
LEVEL = "error"
NEEDS: tuple[str, ...] = ()
_KNOWN = re.compile("(?:Memory|HugePages(?:-.+)?)?")


def check(subject: PodSubject, cluster: Cluster) -> Iterator[Problem]:
    for volume in subject.items("volumes"):
        medium = text(volume, "emptyDir", "medium")
        if _KNOWN.fullmatch(medium) or (medium == STDOUT and cluster.platform in (None, "acs")):
            continue
        where = f"the platform {cluster.platform}" if medium == STDOUT else "a kubelet"
        yield Problem(
            value(volume, "emptyDir", "medium") or volume,
            subject.field(f"spec.volumes[{text(volume, 'name')}].emptyDir.medium"),
            f'"{medium}" is no medium that {where} knows: the volume is never mounted, and the pod does not start',
            f"leave it out, or write Memory or HugePages{did_you_mean(medium, ['Memory', 'HugePages', STDOUT])}",
        )
