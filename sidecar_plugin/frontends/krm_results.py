"""Results of the KRM function: what it has to say, and which resource, file and field of the package that is about.

Source: `Result` of kyaml's fn/framework (severity, message, resourceRef, field, file, tags), which kpt reads and shows.
"""

import re
from bisect import bisect_right
from typing import Any

from sidecar_plugin.errors import Place, SidecarPluginError
from sidecar_plugin.kubernetes.origin import annotation, package_path
from sidecar_plugin.runtime.report import Results
from sidecar_plugin.yamledit.access import scalar_text
from sidecar_plugin.yamledit.documents import Document
from sidecar_plugin.yamledit.extent import content_end
from sidecar_plugin.yamledit.nodes import Mapping, Sequence, follow

INDEXES = ("internal.config.kubernetes.io/index", "config.kubernetes.io/index")


def of_warnings(document: Document, root: Mapping, results: Results) -> list[dict[str, Any]]:
    """Return the warnings as entries for `results` of the ResourceList that `root` is."""
    if not results.warnings:
        return []
    resources = _Resources(document, root)
    return [_entry(resources, "warning", warning.message, warning.place) for warning in results.warnings]


def of_error(document: Document, root: Mapping, error: SidecarPluginError) -> dict[str, Any]:
    """Return an error as entry for `results` of the ResourceList that `root` is."""
    return _entry(_Resources(document, root), "error", error.message, error.place, error.field)


class _Resources:
    """The items of a ResourceList and its functionConfig, by where they stand in its text."""

    __slots__ = ("_found", "_starts")

    def __init__(self, document: Document, root: Mapping) -> None:
        items = root.get("items")
        nodes = [root.get("functionConfig"), *(follow(item) for item in (items.items if isinstance(items, Sequence) else ()))]
        resources = sorted((node for node in nodes if isinstance(node, Mapping)), key=lambda resource: resource.start)
        self._starts = [document.place(resource.start) for resource in resources]
        self._found = [(document.place(content_end(document.text, resource)), resource) for resource in resources]

    def at(self, place: Place) -> Mapping | None:
        """Return the resource in which a place lies, None for one in no resource or in another file."""
        index = bisect_right(self._starts, place) - 1
        if index < 0 or self._starts[index].file != place.file or place > self._found[index][0]:
            return None
        return self._found[index][1]


def _entry(resources: _Resources, severity: str, message: str, place: Place | None, field: str = "") -> dict[str, Any]:
    """Return one entry for `results` of the list. The place in the list's text is kept as a tag."""
    resource = resources.at(place) if place else None
    return {
        "message": message,
        "severity": severity,
        **(_origin(resource) if resource else {}),
        **({"field": {"path": field}} if field else {}),
        **({"tags": {"place": str(place)}} if place else {}),
    }


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
    index = next(
        (index for index in (annotation(resource, name) for name in INDEXES) if re.fullmatch("[0-9]{1,9}", index)), "0"
    )
    return {
        "resourceRef": {key: value for key, value in reference.items() if value},
        **({"file": {"path": path, "index": int(index)}} if path else {}),
    }
