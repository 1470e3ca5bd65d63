"""Which pods run on virtual nodes: by the platform, or by what the pod itself says.

Sources: Alibaba Cloud, "ACS pod instance overview" (Kubernetes limitations) and "Limits" of Elastic Container Instance; AWS,
"AWS Fargate considerations" of Amazon EKS (docs.aws.amazon.com/eks/latest/userguide/fargate.html).
"""

from sidecar_plugin.commands.check.pod import Cluster, PodSubject, mappings, text, value
from sidecar_plugin.yamledit.nodes import Mapping

PLATFORMS = {"acs": "Alibaba Cloud ACS", "eci": "Alibaba Cloud ECI", "fargate": "AWS Fargate"}
_LABELS = {
    ("alibabacloud.com/acs", "true"): "acs",
    ("alibabacloud.com/eci", "true"): "eci",
    ("alibabacloud.com/compute-class", ""): "acs",
    ("eks.amazonaws.com/fargate-profile", ""): "fargate",
}
_SELECTORS = {("type", "virtual-kubelet"): "eci", ("alibabacloud.com/virtual-node", "true"): "eci"}


def virtual_nodes(subject: PodSubject, cluster: Cluster) -> str:
    """Return what the virtual nodes are called that the pod is for, "" if it is for none as far as anybody told."""
    if cluster.platform is not None:
        return PLATFORMS.get(cluster.platform, "")
    for (key, wanted), platform in _LABELS.items():
        if key in subject.pod.labels and wanted in ("", subject.pod.labels[key]):
            return PLATFORMS[platform]
    selector = value(subject.pod.spec, "nodeSelector")
    for (key, wanted), platform in _SELECTORS.items():
        if isinstance(selector, Mapping) and text(selector, key) == wanted:
            return PLATFORMS[platform]
    tolerated = {text(toleration, "key") for toleration in mappings(subject.pod.spec, "tolerations")}
    return "virtual nodes" if "virtual-kubelet.io/provider" in tolerated else ""
