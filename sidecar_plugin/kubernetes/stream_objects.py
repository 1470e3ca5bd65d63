"""The objects of a stream that limit or scale pods: LimitRange, ResourceQuota and HorizontalPodAutoscaler, as plain data."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sidecar_plugin.kubernetes.quantities import UNITS, WHOLE, parse_quantity
from sidecar_plugin.kubernetes.text_search import OBJECTS_ABOUT_PODS, items_of, may_hold_objects_about_pods
from sidecar_plugin.yamledit.access import scalar_text, value_at
from sidecar_plugin.yamledit.construct import DataError, to_data
from sidecar_plugin.yamledit.documents import Document
from sidecar_plugin.yamledit.nodes import Mapping, Node

Data = dict[str, Any]


class StreamObject(NamedTuple):
    """One object of the stream that limits or scales pods, with the place where it is written."""

    kind: str
    name: str
    namespace: str
    spec: Data
    document: Document
    node: Node

    def __str__(self) -> str:
        return f"the {self.kind} {self.name}"


def objects(document: Document) -> Iterator[StreamObject]:
    """Yield the objects of a document that limit or scale pods. Raises ManifestError."""
    if may_hold_objects_about_pods(document.text):
        yield from _objects(document)


def _objects(document: Document) -> Iterator[StreamObject]:
    for node in items_of(document.parse().root):
        kind = scalar_text(node, "kind") or ""
        metadata, spec = (value_at(node, key) for key in ("metadata", "spec"))
        if kind not in OBJECTS_ABOUT_PODS or not isinstance(metadata, Mapping) or spec is None:
            continue
        try:
            data = to_data(spec)
        except DataError:
            continue  # the API server refuses it
        if isinstance(data, dict):
            yield StreamObject(
                kind, scalar_text(metadata, "name") or "", scalar_text(metadata, "namespace") or "", data, document, node
            )


def amounts(data: Any) -> dict[str, int]:
    """Return the quantities of a mapping by their names, without those that are none: the API server refuses these."""
    found = {}
    for name, value in data.items() if isinstance(data, dict) else ():
        try:
            found[str(name)] = parse_quantity(value)
        except (TypeError, ValueError):
            continue
    return found


def resources_of(container: Data, kind: str) -> dict[str, int]:
    """Return what a container requests or is limited to; a limit without a request counts as the request."""
    resources = container.get("resources")
    if not isinstance(resources, dict):
        return {}
    limits = amounts(resources.get("limits"))
    return limits if kind == "limits" else {**limits, **amounts(resources.get("requests"))}


def shown(resource: str, amount: int) -> str:
    """Return an amount, in billionths, as a text with its unit."""
    unit, text = UNITS.get(resource.rpartition(".")[2], (WHOLE, ""))
    return f"{amount / unit:.4g} {text}".rstrip()


def mappings_of(data: Data, key: str) -> list[Data]:
    """Return the mappings in a list, [] for anything else."""
    items = data.get(key)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
