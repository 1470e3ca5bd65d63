"""Results of the KRM function: what it has to say, and which resource, file and field of the package that is about.

Source: `Result` of kyaml's fn/framework (severity, message, resourceRef, field, file, tags), which kpt reads and shows.
"""

from typing import Any

from sidecar_plugin.document.stream import Document
from sidecar_plugin.errors import Place
from sidecar_plugin.helm_charts import annotation
from sidecar_plugin.nodes import Mapping, Sequence, content_end, follow
from sidecar_plugin.streams import package_path
from sidecar_plugin.workloads import scalar_text

INDEXES = ("internal.config.kubernetes.io/index", "config.kubernetes.io/index")


def entry(
    document: Document, root: Mapping, severity: str, message: str, place: Place | None, field: str = ""
) -> dict[str, Any]:
    """Return one entry for `results` of the ResourceList that `root` is. The place in the list is kept as a tag."""
    resource = _resource_at(document, root, place) if place else None
    return {
        "message": message,
        "severity": severity,
        **(_origin(resource) if resource else {}),
        **({"field": {"path": field}} if field else {}),
        **({"tags": {"place": str(place)}} if place else {}),
    }


def _resource_at(document: Document, root: Mapping, place: Place) -> Mapping | None:
    """Return the item, or the functionConfig, in which a place lies; None for one in another file too."""
    items = root.get("items")
    for node in (root.get("functionConfig"), *(items.items if isinstance(items, Sequence) else ())):
        resource = follow(node) if node else None
        if isinstance(resource, Mapping):
            first, last = document.place(resource.start), document.place(content_end(document.text, resource))
            if first.file == place.file and first <= place <= last:
                return resource
    return None


def _origin(resource: Mapping) -> dict[str, Any]:
    metadata = resource.get("metadata")
    named = metadata if isinstance(metadata, Mapping) else resource
    reference = {
        "apiVersion": scalar_text(resource, "apiVersion"),
        "kind": scalar_text(resource, "kind"),
        "name": scalar_text(named, "name"),
        "namespace": scalar_text(named, "namespace"),
    }
    path = package_path(resource)
    index = next((index for index in (annotation(resource, name) for name in INDEXES) if index.isdigit()), "0")
    return {
        "resourceRef": {key: value for key, value in reference.items() if value},
        **({"file": {"path": path, "index": int(index)}} if path else {}),
    }
