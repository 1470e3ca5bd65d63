"""What the objects of files say of the cluster itself: its nodes, and the webhooks and policies that change pods."""

from collections.abc import Iterator
from contextlib import suppress

from sidecar_plugin.commands.check.pod import ClusterNode, mappings, strings, text, value
from sidecar_plugin.errors import ManifestError, VersionError
from sidecar_plugin.kubernetes.cluster_version import ClusterVersion, parse_cluster_version
from sidecar_plugin.kubernetes.text_search import items_of, stands_alone
from sidecar_plugin.yamledit.documents import split
from sidecar_plugin.yamledit.nodes import Mapping
from sidecar_plugin.yamledit.source import Source

_ADMISSION = "admissionregistration.k8s.io"
_CHANGING = {
    "MutatingWebhookConfiguration": _ADMISSION,
    "MutatingAdmissionPolicy": _ADMISSION,
    "MutatingPolicy": "policies.kyverno.io",
}
ABOUT_THE_CLUSTER = {"Node": "", **_CHANGING}
"""The kinds, with their group."""
VIRTUAL_LABELS = (("type", "virtual-kubelet"), ("eks.amazonaws.com/compute-type", "fargate"))
VIRTUAL_TAINT = "virtual-kubelet.io/provider"


def nodes_and_webhooks(source: Source) -> tuple[list[ClusterNode], list[str]]:
    """Return the nodes among a file's objects, and the names of the webhooks' configurations and of the policies that change
    pods. What cannot be read is left out: it is a finding of its own."""
    nodes: list[ClusterNode] = []
    webhooks: list[str] = []
    for root in _objects(source):
        kind, name = text(root, "kind"), text(root, "metadata", "name")
        if kind == "Node":
            nodes.append(ClusterNode(name, _version(text(root, "status", "nodeInfo", "kubeletVersion")), _is_virtual(root)))
        elif kind in _CHANGING and _changes_pods(root):
            webhooks.append(name)
    return nodes, webhooks


def _objects(source: Source) -> Iterator[Mapping]:
    if not any(stands_alone(kind, source.text) for kind in ABOUT_THE_CLUSTER):
        return
    with suppress(ManifestError):
        for document in split(source):
            with suppress(ManifestError):
                yield from items_of(document.parse().root)


def _version(shown: str) -> ClusterVersion | None:
    try:
        return parse_cluster_version(shown)
    except VersionError:
        return None


def _is_virtual(node: Mapping) -> bool:
    taints = (text(taint, "key") for taint in mappings(node, "spec", "taints"))
    return VIRTUAL_TAINT in taints or any(text(node, "metadata", "labels", key) == wanted for key, wanted in VIRTUAL_LABELS)


def _changes_pods(configuration: Mapping) -> bool:
    rules = [rule for webhook in mappings(configuration, "webhooks") for rule in mappings(webhook, "rules")]
    rules += mappings(configuration, "spec", "matchConstraints", "resourceRules")
    return any(value(rule, "resources") and {"pods", "*", "*/*"} & set(strings(rule, "resources")) for rule in rules)
