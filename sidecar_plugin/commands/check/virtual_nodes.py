"""Which pods run on virtual nodes: by the platform, or by what the pod itself says."""

from sidecar_plugin.commands.check.pod import Cluster, PodSubject, mappings, text, value
from sidecar_plugin.kubernetes import platforms

_SELECTOR = ("type", "virtual-kubelet")  # the labels and taints that every virtual kubelet gives its node, whosever it is:
_TOLERATION = "virtual-kubelet.io/provider"  # https://github.com/virtual-kubelet/virtual-kubelet, "Taint"


def virtual_nodes(subject: PodSubject, cluster: Cluster) -> str:
    """Return what the virtual nodes are called that the pod is for; "" if nothing says that it is for any."""
    if cluster.platform is not None:
        return without_daemonsets(cluster.platform)
    pod = subject.pod
    selector = value(pod.spec, "nodeSelector")
    tolerated = {text(toleration, "key") for toleration in mappings(pod.spec, "tolerations")}
    for name in platforms.NAMES:
        platform = platforms.named(name)
        if (
            any(key in pod.labels and wanted in ("", pod.labels[key]) for key, wanted in platform.pod_labels)
            or any(value(selector, key) and wanted in ("", text(selector, key)) for key, wanted in platform.node_selectors)
            or not tolerated.isdisjoint(platform.tolerations)
        ):
            return platform.title
    return "a virtual node" if text(selector, _SELECTOR[0]) == _SELECTOR[1] or _TOLERATION in tolerated else ""


def without_daemonsets(name: str) -> str:
    """Return the title of a platform whose nodes run no DaemonSets, "" for one whose nodes do."""
    platform = platforms.named(name)
    return "" if platform.runs_daemonsets else platform.title
