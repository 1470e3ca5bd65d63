"""A DaemonSet in a stream of manifests, and what the stream has of the things that its pods use.

What is read is checked by a schema of the fields that are used; the rest is left to the API server.
"""

from typing import Any, NamedTuple

from sidecar_plugin import __version__
from sidecar_plugin.document.stream import Document, split
from sidecar_plugin.errors import ManifestError, Place, UsageError, did_you_mean
from sidecar_plugin.memo import Memo
from sidecar_plugin.nodes import Mapping, Node, Sequence
from sidecar_plugin.plain_data import DataError, key_place, lookup, to_data
from sidecar_plugin.schemas import Schema
from sidecar_plugin.source import Source

Data = dict[str, Any]

_MAP: Data = {"type": ["object", "null"]}
_NAMED: Data = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "minLength": 1}}}
_STRINGS: Data = {"type": ["array", "null"], "items": {"type": "string"}}


def _list_of(items: Data) -> Data:
    return {"type": ["array", "null"], "items": items}


_CONTAINER = {
    "type": "object",
    "required": ["name", "image"],
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "image": {"type": "string", "minLength": 1},
        "command": _STRINGS,
        "args": _STRINGS,
        "env": _list_of(
            {**_NAMED, "properties": {"name": {"type": "string"}, "value": {"type": ["string", "null"]}, "valueFrom": _MAP}}
        ),
        "envFrom": _list_of({"type": "object", "properties": {"configMapRef": _MAP, "secretRef": _MAP}}),
        "ports": _list_of({"type": "object"}),
        "resources": _MAP,
        "securityContext": {"type": ["object", "null"], "properties": {"capabilities": _MAP, "seccompProfile": _MAP}},
        "volumeMounts": _list_of(
            {**_NAMED, "required": ["name", "mountPath"], "properties": {"mountPath": {"type": "string"}}}
        ),
    },
}
_DAEMON_SET = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["metadata", "spec"],
    "properties": {
        "metadata": {**_NAMED, "properties": {**_NAMED["properties"], "namespace": {"type": ["string", "null"]}}},
        "spec": {
            "type": "object",
            "required": ["template"],
            "properties": {
                "template": {
                    "type": "object",
                    "required": ["spec"],
                    "properties": {
                        "spec": {
                            "type": "object",
                            "required": ["containers"],
                            "properties": {
                                "containers": {"type": "array", "minItems": 1, "items": _CONTAINER},
                                "initContainers": _list_of(_CONTAINER),
                                "volumes": _list_of(
                                    {**_NAMED, "properties": {"name": {"type": "string"}, "hostPath": _MAP, "configMap": _MAP}}
                                ),
                                "securityContext": _MAP,
                                "imagePullSecrets": _list_of({"type": "object"}),
                            },
                        }
                    },
                }
            },
        },
    },
}  # fmt: skip


def _schema() -> Data:
    return _DAEMON_SET


_SCHEMA = Schema(f"daemonset {__version__}", _schema)


class DaemonSet(NamedTuple):
    """A DaemonSet. `config_maps` are those of its stream, by name; `rules` what its ServiceAccount may do by the stream's
    roles, a line each."""

    name: str
    namespace: str
    place: Place
    pod: Data
    config_maps: dict[str, Data]
    rules: list[str]


def read_daemon_set(source: Source, name: str | None) -> DaemonSet:
    """Return the one DaemonSet of a stream, or the one of that name.

    Raises ManifestError, with the place, for text that cannot be read and for wrong types, and UsageError if there is none, or
    more than one and no name.
    """
    found: list[tuple[Document, Node, Data]] = []
    others: list[Data] = []
    for document in split(source):
        root = document.parse().root
        if root is None:
            continue
        for node in _resources(root):
            data = _data(document, node)
            if data.get("kind") == "DaemonSet" and str(data.get("apiVersion", "")).startswith("apps/"):
                found.append((document, node, data))
            else:
                others.append(data)
    document, place, data = _chosen(source.name, found, name)
    problem = _SCHEMA.problem(data, Memo())
    if problem:
        offset = key_place(place, problem.path, problem.key) if problem.key else lookup(place, problem.path)[0].start
        raise ManifestError(problem.message, document.place(offset), ".".join(map(str, problem.path)))
    pod = data["spec"]["template"]["spec"]
    config_maps = {
        other["metadata"]["name"]: other
        for other in others
        if other.get("kind") == "ConfigMap" and isinstance(other.get("metadata"), dict) and "name" in other["metadata"]
    }
    account = pod.get("serviceAccountName") or pod.get("serviceAccount") or ""
    namespace = data["metadata"].get("namespace") or ""
    return DaemonSet(
        data["metadata"]["name"], namespace, document.place(place.start), pod, config_maps, _rules(others, account)
    )


def _resources(root: Node) -> list[Mapping]:
    """Return the resources of a document: itself, or the items of a List."""
    if not isinstance(root, Mapping):
        return []
    items = root.get("items")
    if isinstance(items, Sequence):
        return [item for item in items.items if isinstance(item, Mapping)]
    return [root]


def _data(document: Document, node: Node) -> Data:
    try:
        data = to_data(node)
    except DataError as error:
        raise ManifestError(error.message, document.place(error.offset)) from None
    return data if isinstance(data, dict) else {}


def _chosen(source: str, found: list[tuple[Document, Node, Data]], name: str | None) -> tuple[Document, Node, Data]:
    names = [str((data.get("metadata") or {}).get("name")) for _, _, data in found]
    if not found:
        raise UsageError(f"{source} holds no DaemonSet (apiVersion: apps/v1, kind: DaemonSet)")
    if name is None:
        if len(found) > 1:
            raise UsageError(f"{source} holds several DaemonSets: {', '.join(names)}; choose one with --daemonset NAME")
        return found[0]
    if name not in names:
        hint = did_you_mean(name, names) or f"; there are {', '.join(names)}"
        raise UsageError(f'{source} holds no DaemonSet "{name}"{hint}')
    return found[names.index(name)]


def _rules(others: list[Data], account: str) -> list[str]:
    """Return what the roles bound to a ServiceAccount allow."""
    roles = {
        (role.get("kind"), (role.get("metadata") or {}).get("name")): role.get("rules") or []
        for role in others
        if role.get("kind") in ("Role", "ClusterRole")
    }
    lines = []
    for binding in others:
        if binding.get("kind") not in ("RoleBinding", "ClusterRoleBinding"):
            continue
        subjects = binding.get("subjects") or []
        if not any(isinstance(one, dict) and one.get("name") == account for one in subjects):
            continue
        reference = binding.get("roleRef") or {}
        for rule in roles.get((reference.get("kind"), reference.get("name")), []):
            what = rule.get("resources") or rule.get("nonResourceURLs") or []
            lines.append(f"{', '.join(map(str, rule.get('verbs') or []))} {', '.join(map(str, what))}")
    return list(dict.fromkeys(lines))
