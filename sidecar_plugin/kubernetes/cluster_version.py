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
_NUMBER = r"v?\d+(?:\.(?:\d+|[xX*]))+"
_RANGE = rf"[~^<>=!].*|.*[\s|,<>=].*\d.*|.*\.[xX*](?:\..*)?|{_NUMBER}(?:-|\.\.+){_NUMBER}"
MAX_RANGE = 100  # characters; longer texts are no versions
VENDORS = {
    "aliyun": "Alibaba Cloud",
    "cce": "Huawei Cloud CCE",
    "eks": "Amazon EKS",
    "gke": "Google Kubernetes Engine",
    "iks": "IBM Cloud Kubernetes Service",
    "k0s": "k0s",
    "k3s": "k3s",
    "lke": "Linode Kubernetes Engine",
    "mirantis": "Mirantis Kubernetes Engine",
    "rancher": "Rancher Kubernetes Engine",
    "rke2": "RKE2",
    "tke": "Tencent Kubernetes Engine",
    "vke": "Volcengine Kubernetes Engine",
    "vmware": "VMware Tanzu",
}
"""Vendors that name themselves in their clusters' versions, by what stands there: `v1.30.1-gke.1329003`, `v1.32.5+k3s1`."""


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

    Raises VersionError for `1.3` and its like (an unquoted 1.30 that YAML read as a number), for a range of versions, and for
    what is no version.
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
    if len(text) < MAX_RANGE and re.fullmatch(_RANGE, text):
        message = (
            f'"{text}" is a range of versions, and one cluster has one version; write it like "1.30" or "v1.30.1-aliyun.1"'
        )
        raise VersionError(message, place, field)
    if found := re.fullmatch(_LONG, text):
        from packaging.version import Version  # late: settings mostly say just 1.30

        version = Version(found["release"])
        return ClusterVersion(version.major, version.minor)
    raise VersionError(f'"{text}" is no cluster version; write it like "1.30" or "v1.30.1-aliyun.1"', place, field)


def vendor_of(text: str) -> str:
    """Return the key among VENDORS that a version names behind its numbers, "" if it names none."""
    if re.fullmatch(_SHORT, text):
        return ""
    found = re.search(rf"[-+._0-9]({'|'.join(VENDORS)})", text.lower())
    return found[1] if found else ""
