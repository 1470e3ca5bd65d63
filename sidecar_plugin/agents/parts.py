"""What a rendered agent is: the parts that it adds to a pod, and the settings' patch of its container."""

import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from sidecar_plugin import __version__
from sidecar_plugin.errors import TemplateError
from sidecar_plugin.kubernetes import pod_templates
from sidecar_plugin.kubernetes.api_rules import container_problems, volume_problems
from sidecar_plugin.runtime.json_schema import Problem, Schema
from sidecar_plugin.yamledit.access import key_place, lookup
from sidecar_plugin.yamledit.construct import DataError, to_data
from sidecar_plugin.yamledit.nodes import ParseError, Target
from sidecar_plugin.yamledit.parser import parse
from sidecar_plugin.yamledit.source import Source

if TYPE_CHECKING:
    from sidecar_plugin.agents.incremental import Pieces

_NAMED: dict[str, Any] = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "minLength": 1}}}
_STRINGS = {"type": ["object", "null"], "additionalProperties": {"type": "string"}}


def _type(name: str, *required: str) -> dict[str, Any]:
    """Return the schema of one of Kubernetes' own types, an object with these keys."""
    return {"allOf": [{"type": "object", "required": list(required)}, {"$ref": f"#/$defs/{name}"}]}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": ["array", "null"], "items": items}


CONTAINER = _type("Container", "name", "image")
_MANIFEST: dict[str, Any] = {
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
    "if": {"properties": {"kind": {"enum": ["ConfigMap", "Secret"]}}, "required": ["kind"]},
    "then": {
        "properties": {
            "metadata": {"properties": {"name": {"$ref": "#/$defs/subdomain"}}},
            "data": {"$ref": "#/$defs/configData"},
            "stringData": {"$ref": "#/$defs/configData"},
        }
    },
}
_PARTS_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["container"],
    "additionalProperties": False,
    "properties": {
        "container": CONTAINER,
        "volumes": _list(_type("Volume", "name")),
        "applicationContainers": {
            "type": ["object", "null"],
            "additionalProperties": False,
            "properties": {
                "volumeMounts": _list(_type("VolumeMount", "name", "mountPath")),
                "env": _list(_type("EnvVar", "name")),
                "initContainers": {"type": ["boolean", "null"]},
            },
        },
        "workloadEnv": {
            "type": ["object", "null"],
            "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]{0,99}$", "$comment": "the name of a variable"},
            "additionalProperties": {"enum": ["kind", "name"]},
        },
        "podAnnotations": {"$ref": "#/$defs/annotations"},
        "podLabels": {"$ref": "#/$defs/labels"},
        "initContainers": _list(CONTAINER),
        "imagePullSecrets": _list(_type("LocalObjectReference", "name")),
        "manifests": _list(_MANIFEST),
        "gracePeriodSeconds": {"type": ["integer", "null"], "minimum": 0, "maximum": 3600},
        "servicePorts": {
            "type": ["object", "null"],
            "propertyNames": {"pattern": "^[1-9][0-9]{0,4}$", "$comment": "a port of the application"},
            "additionalProperties": {"type": "string", "$comment": "the name of a port of the agent's container"},
        },
        "notes": _list({"type": "string", "minLength": 1, "maxLength": 400}),
    },
}


def with_kubernetes_types(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that refers to Kubernetes' own types, with these types (made by tools/kubernetes-schema)."""
    with open(os.path.join(os.path.dirname(pod_templates.__file__), "pod_schema.json"), encoding="utf-8") as file:
        return {**schema, "$defs": json.load(file)}


class Parts(NamedTuple):
    """What an agent adds to a pod. The dicts and lists are shared: read them, do not change them."""

    container: dict[str, Any]
    workload_env: dict[str, str]
    volumes: list[dict[str, Any]]
    application_mounts: list[dict[str, Any]]
    application_env: list[dict[str, Any]]
    with_init_containers: bool
    pod_annotations: dict[str, str]
    pod_labels: dict[str, str]
    init_containers: list[dict[str, Any]]
    image_pull_secrets: list[dict[str, Any]]
    manifests: list[dict[str, Any]]
    notes: list[str]
    grace_seconds: int
    service_ports: dict[int, str]


_PARTS = Schema(f"parts, Kubernetes' types, {__version__}", lambda: with_kubernetes_types(_PARTS_SCHEMA))


def read_parts(source: Source, pieces: "Pieces | None") -> Parts:
    """Return the parts that a rendering is, with `pieces` where it differs little from others. Raises TemplateError, with the
    place in the rendering."""
    data = pieces.to_data(source.text) if pieces else None
    if data is None:
        data = _whole(source)[1]
    problem = _PARTS.problem(data) or _api_problem(data)
    if problem:
        root, path = _whole(source)[0], problem.path
        offset = 0
        if root is not None:
            offset = key_place(root, path, problem.key) if problem.key else lookup(root, path)[0].start
        raise TemplateError(problem.message, source.place(offset), ".".join(map(str, path)))
    applications = data.get("applicationContainers") or {}
    return Parts(
        data["container"],
        data.get("workloadEnv") or {},
        data.get("volumes") or [],
        applications.get("volumeMounts") or [],
        applications.get("env") or [],
        bool(applications.get("initContainers")),
        data.get("podAnnotations") or {},
        data.get("podLabels") or {},
        data.get("initContainers") or [],
        data.get("imagePullSecrets") or [],
        data.get("manifests") or [],
        data.get("notes") or [],
        data.get("gracePeriodSeconds") or 0,
        {int(port): name for port, name in (data.get("servicePorts") or {}).items()},
    )


def _api_problem(data: dict[str, Any]) -> Problem | None:
    """Return the first thing for which the API server refuses the pod though all types are right."""
    for problem in container_problems(data["container"]):
        return _below(problem, "container")
    for index, container in enumerate(data.get("initContainers") or []):
        for problem in container_problems(container, is_plain_init=container.get("restartPolicy") != "Always"):
            return _below(problem, "initContainers", index)
    for index, volume in enumerate(data.get("volumes") or []):
        for problem in volume_problems(volume):
            return _below(problem, "volumes", index)
    for problem in container_problems(data.get("applicationContainers") or {}):
        return _below(problem, "applicationContainers")
    names = {port.get("name") for port in data["container"].get("ports") or []}
    for number, name in (data.get("servicePorts") or {}).items():
        if name not in names:
            return Problem(["servicePorts", number], f'"{name}" is the name of no port of the container')
    return None


def _below(problem: Problem, *path: str | int) -> Problem:
    return problem._replace(path=[*path, *problem.path])


def _whole(source: Source) -> tuple[Target | None, Any]:
    """Return the rendering as nodes and as data. Raises TemplateError."""
    try:
        root = parse(source.text).root
        return root, None if root is None else to_data(root)
    except (ParseError, DataError) as error:
        raise TemplateError(error.message, source.place(error.offset)) from None
