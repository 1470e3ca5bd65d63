"""What agents' templates see of a workload."""

from typing import Any

from sidecar_plugin.errors import ManifestError
from sidecar_plugin.kubernetes.pod_templates import PodTemplate
from sidecar_plugin.kubernetes.text_search import CONTAINERS
from sidecar_plugin.runtime.json_schema import name_of
from sidecar_plugin.yamledit.access import effective_pair, items_at, lookup
from sidecar_plugin.yamledit.construct import DataError, to_data
from sidecar_plugin.yamledit.nodes import Mapping, Target, follow


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


def _check_ports(pod: PodTemplate, container: Target, data: dict[str, Any]) -> None:
    """Raise ManifestError for a port that is not a whole number: the API server refuses the pod."""
    for index, port in enumerate(data["ports"]):
        number = port.get("containerPort", 0) if isinstance(port, dict) else 0
        if isinstance(number, bool) or not isinstance(number, int):
            path: list[str | int] = ["ports", index, "containerPort"]
            place = pod.document.place(lookup(container, path)[0].start)
            field = f"{pod.path}spec.containers[{data['name']}].ports[{index}].containerPort"
            raise ManifestError(f"must be a whole number, but is {name_of(number)}; write it without quotes", place, field)


def _containers_data(pod: PodTemplate) -> list[dict[str, Any]]:
    """Return name, image, ports and resources of each of the pod's containers."""
    seen = []
    for item in items_at(pod.spec, CONTAINERS):
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
        _check_ports(pod, container, data)
        seen.append(data)
    return seen
