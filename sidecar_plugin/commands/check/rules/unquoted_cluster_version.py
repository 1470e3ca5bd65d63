"""a cluster version without quotes

YAML reads `1.30` without quotes as the number 1.3, and Kubernetes 1.3 is of 2016. Looked at are `clusterVersion` of
SidecarInjection documents and below `sidecars:` in values files. Any number is reported, as the next version may be one
that ends in a zero.

Passes:

    sidecars:
      clusterVersion: "1.30"

Fails:

    sidecars:
      clusterVersion: 1.30

Source: https://yaml.org/spec/1.2.2/#10214-floating-point.
"""

from collections.abc import Iterator

from sidecar_plugin.commands.check.pod import Cluster, DocumentSubject, Problem, plain, value
from sidecar_plugin.settings.layers import VALUES_KEY, is_injection
from sidecar_plugin.yamledit.nodes import Mapping, Scalar

ID = "unquoted-cluster-version"
LEVEL = "error"
NEEDS: tuple[str, ...] = ()


def check(subject: DocumentSubject, cluster: Cluster) -> Iterator[Problem]:
    root = subject.root
    if is_injection(root):
        key = "spec"
    elif isinstance(root, Mapping) and root.pair(VALUES_KEY) and not root.pair("kind"):
        key = VALUES_KEY
    else:
        return
    node = value(root, key, "clusterVersion")
    if isinstance(node, Scalar) and isinstance(plain(node), (int, float)):
        read = plain(node)
        yield Problem(
            node,
            f"{key}.clusterVersion",
            f"{node.value} without quotes is the number {read}, not a version",
            f'write clusterVersion: "{node.value}"',
        )
