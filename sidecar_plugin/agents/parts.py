"""What a rendered agent is: the parts that it adds to a pod, and the settings' patch of its container."""

from typing import TYPE_CHECKING, Any, NamedTuple

from sidecar_plugin import __version__
from sidecar_plugin.errors import TemplateError
from sidecar_plugin.runtime.cache import Memo
from sidecar_plugin.runtime.json_schema import Schema
from sidecar_plugin.yamledit.access import key_place, lookup
from sidecar_plugin.yamledit.construct import DataError, to_data
from sidecar_plugin.yamledit.nodes import ParseError, Target
from sidecar_plugin.yamledit.parser import parse
from sidecar_plugin.yamledit.source import Source

if TYPE_CHECKING:
    from sidecar_plugin.agents.incremental import Pieces

_NAMED: dict[str, Any] = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "minLength": 1}}}
_STRINGS = {"type": ["object", "null"], "additionalProperties": {"type": "string"}}
_CONTAINER: dict[str, Any] = {
    "type": "object",
    "required": ["name", "image"],
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "image": {"type": "string", "minLength": 1},
        "env": {"type": ["array", "null"], "items": _NAMED},
        "volumeMounts": {"type": ["array", "null"], "items": _NAMED},
    },
}
_PARTS_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["container"],
    "additionalProperties": False,
    "properties": {
        "container": _CONTAINER,
        "volumes": {"type": ["array", "null"], "items": _NAMED},
        "applicationContainers": {
            "type": ["object", "null"],
            "additionalProperties": False,
            "properties": {
                "volumeMounts": {
                    "type": ["array", "null"],
                    "items": {**_NAMED, "required": ["name", "mountPath"]},
                },
                "env": {"type": ["array", "null"], "items": _NAMED},
            },
        },
        "podAnnotations": _STRINGS,
        "podLabels": _STRINGS,
        "initContainers": {"type": ["array", "null"], "items": _CONTAINER},
        "imagePullSecrets": {"type": ["array", "null"], "items": _NAMED},
        "manifests": {
            "type": ["array", "null"],
            "items": {
                "type": "object",
                "required": ["apiVersion", "kind", "metadata"],
                "properties": {
                    "apiVersion": {"type": "string"},
                    "kind": {"type": "string"},
                    "metadata": {
                        **_NAMED,
                        "properties": {**_NAMED["properties"], "namespace": {"type": "string"}, "annotations": _STRINGS},
                    },
                },
            },
        },
    },
}


class Parts(NamedTuple):
    """What an agent adds to a pod. The dicts and lists are shared: read them, do not change them."""

    container: dict[str, Any]
    volumes: list[dict[str, Any]]
    application_mounts: list[dict[str, Any]]
    application_env: list[dict[str, Any]]
    pod_annotations: dict[str, str]
    pod_labels: dict[str, str]
    init_containers: list[dict[str, Any]]
    image_pull_secrets: list[dict[str, Any]]
    manifests: list[dict[str, Any]]


def _known_parts_schema() -> dict[str, Any]:
    return _PARTS_SCHEMA


_PARTS = Schema(f"parts {__version__}", _known_parts_schema)


def read_parts(source: Source, memo: Memo, pieces: "Pieces | None") -> Parts:
    """Return the parts that a rendering is, with `pieces` where it differs little from others. Raises TemplateError, with the
    place in the rendering."""
    data = pieces.to_data(source.text) if pieces else None
    if data is None:
        data = _whole(source)[1]
    problem = _PARTS.problem(data, memo)
    if problem:
        root, path = _whole(source)[0], problem.path
        offset = 0
        if root is not None:
            offset = key_place(root, path, problem.key) if problem.key else lookup(root, path)[0].start
        raise TemplateError(problem.message, source.place(offset), ".".join(map(str, path)))
    applications = data.get("applicationContainers") or {}
    return Parts(
        data["container"],
        data.get("volumes") or [],
        applications.get("volumeMounts") or [],
        applications.get("env") or [],
        data.get("podAnnotations") or {},
        data.get("podLabels") or {},
        data.get("initContainers") or [],
        data.get("imagePullSecrets") or [],
        data.get("manifests") or [],
    )


def _whole(source: Source) -> tuple[Target | None, Any]:
    """Return the rendering as nodes and as data. Raises TemplateError."""
    try:
        root = parse(source.text).root
        return root, None if root is None else to_data(root)
    except (ParseError, DataError) as error:
        raise TemplateError(error.message, source.place(error.offset)) from None
