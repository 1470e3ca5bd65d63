"""What agents' templates see of a workload."""

from typing import Any

from sidecar_plugin.errors import ManifestError
from sidecar_plugin.kubernetes.pod_templates import PodTemplate
from sidecar_plugin.kubernetes.text_search import CONTAINERS
from sidecar_plugin.yamledit.access import effective_pair
from sidecar_plugin.yamledit.construct import DataError, to_data
from sidecar_plugin.yamledit.nodes import Mapping, Sequence, follow


def workload_data(pod: PodTemplate) -> dict[str, Any]:
    """Return what templates see as `workload`. Raises ManifestError for ports or resources that have no plain data."""
    return {
        "kind": pod.kind,
        "name": pod.name,
        "namespace": pod.namespace,
        "labels": pod.labels,
        "annotations": pod.annotations,
        "containers": _containers_data(pod),
    }


def _containers_data(pod: PodTemplate) -> list[dict[str, Any]]:
    """Return name, image, ports and resources of each of the pod's containers."""
    found = effective_pair(pod.spec, CONTAINERS)
    containers = follow(found[1]) if found else None
    seen = []
    for item in containers.items if isinstance(containers, Sequence) else ():
        container = follow(item)
        data: dict[str, Any] = {"name": "", "image": "", "ports": [], "resources": {}}
        for key, default in list(data.items()):
            pair = effective_pair(container, key) if isinstance(container, Mapping) else None
            try:
                value = to_data(pair[1]) if pair else None
            except DataError as error:
                raise ManifestError(error.message, pod.document.place(error.offset), f"{pod.path}spec.containers") from None
            if value is not None and isinstance(value, type(default)):
                data[key] = value
        seen.append(data)
    return seen
