"""The version of a cluster, in every shape in which clusters and their distributions report it.

Only major and minor decide: `v1.30.1-gke.1329003`, `1.30+` and `1.30` are the same cluster to us. Sources of the shapes:
https://kubernetes.io/releases/version-skew-policy/ (semantic versions), `kubectl version` of ACK, GKE, EKS and k3s, and
the `minor: "30+"` that managed clusters report.
"""

import re
from typing import NamedTuple

from sidecar_plugin.errors import Place, VersionError

_SHORT = r"([1-9]\d{0,2})\.(0|[1-9]\d{0,3})"
_LONG = (
    r"v?(?P<release>[1-9]\d{0,2}\.(?:0|[1-9]\d{0,3})(?:\.\d{1,6})?(?:-(?:alpha|beta|rc)\.\d+)?)"
    r"(?:\+|[-+][0-9A-Za-z][0-9A-Za-z.+_-]*)?"
)
_LOST_ZERO = r"v?1\.[1-9]"


class ClusterVersion(NamedTuple):
    """Major and minor of a cluster's version; ordered."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


NATIVE_SIDECARS = ClusterVersion(1, 29)
"""From here on `restartPolicy: Always` on an init container is known and on by default (KEP-753)."""


def parse_cluster_version(text: str, place: Place | None = None, field: str = "clusterVersion") -> ClusterVersion:
    """Return the version that `text` names.

    Raises VersionError for `1.3` and its like (an unquoted 1.30 that YAML read as a number), and for what is no version.
    """
    text = text.strip()
    if re.fullmatch(_LOST_ZERO, text):
        number = text.lstrip("v")
        raise VersionError(
            f"{text} is no version that a cluster reports: YAML reads an unquoted {number}0 as the number {number}; "
            f'put it in quotes: "{number}0"',
            place,
            field,
        )
    if found := re.fullmatch(_SHORT, text):
        return ClusterVersion(int(found[1]), int(found[2]))
    if found := re.fullmatch(_LONG, text):
        from packaging.version import Version  # late: settings mostly say just 1.30

        version = Version(found["release"])
        return ClusterVersion(version.major, version.minor)
    raise VersionError(f'"{text}" is no cluster version; write it like "1.30" or "v1.30.1-aliyun.1"', place, field)
