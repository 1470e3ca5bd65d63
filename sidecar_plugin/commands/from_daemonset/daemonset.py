"""A DaemonSet in a stream of manifests, and what the stream has of the things that its pods use.

What is read is checked by a schema of the fields that are used; the rest is left to the API server.
"""

import json
import os
from functools import partial
from typing import Any, NamedTuple

from sidecar_plugin import __version__
from sidecar_plugin.errors import ManifestError, Place, UsageError, did_you_mean
from sidecar_plugin.runtime.json_schema import Schema
from sidecar_plugin.yamledit.access import key_place, lookup
from sidecar_plugin.yamledit.construct import DataError, to_data
from sidecar_plugin.yamledit.documents import Document, split
from sidecar_plugin.yamledit.nodes import Mapping, Node, Scalar, Sequence
from sidecar_plugin.yamledit.source import Source

Data = dict[str, Any]

_KINDS = ("DaemonSet", "ConfigMap", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")


def _load(kind: str) -> Data:
    with open(os.path.join(os.path.dirname(__file__), "daemonset.schema.json"), encoding="utf-8") as file:
        return {**json.load(file), "$ref": f"#/$defs/{kind}"}


_SCHEMAS = {kind: Schema(f"{kind} {__version__}", partial(_load, kind)) for kind in _KINDS}


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
    found: list[tuple[Place, Data]] = []
    others: list[Data] = []
    for document in split(source):
        root = document.parse().root
        if root is None:
            continue
        for node in _resources(root):
            data = _checked(document, node)
            if data.get("kind") == "DaemonSet":
                found.append((document.place(node.start), data))
            else:
                others.append(data)
    place, data = _chosen(source.name, found, name)
    pod = data["spec"]["template"]["spec"]
    config_maps = {other["metadata"]["name"]: other for other in others if other.get("kind") == "ConfigMap"}
    account = pod.get("serviceAccountName") or pod.get("serviceAccount") or ""
    namespace = data["metadata"].get("namespace") or ""
    return DaemonSet(data["metadata"]["name"], namespace, place, pod, config_maps, _rules(others, account))


def _resources(root: Node) -> list[Mapping]:
    """Return the resources of a document: itself, or the items of a List."""
    if not isinstance(root, Mapping):
        return []
    items = root.get("items")
    if isinstance(items, Sequence):
        return [item for item in items.items if isinstance(item, Mapping)]
    return [root]


def _checked(document: Document, node: Mapping) -> Data:
    """Return a resource as data, nothing of a kind that is not read. Raises ManifestError for wrong types."""
    kind = node.get("kind")
    if not isinstance(kind, Scalar) or kind.value not in _KINDS:
        return {}
    try:
        data = to_data(node)
    except DataError as error:
        raise ManifestError(error.message, document.place(error.offset)) from None
    problem = _SCHEMAS[kind.value].problem(data)
    if problem:
        offset = key_place(node, problem.path, problem.key) if problem.key else lookup(node, problem.path)[0].start
        raise ManifestError(problem.message, document.place(offset), ".".join(map(str, problem.path)))
    return dict(data)


def _chosen(source: str, found: list[tuple[Place, Data]], name: str | None) -> tuple[Place, Data]:
    names = [data["metadata"]["name"] for _, data in found]
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
        (role["kind"], role["metadata"]["name"]): role.get("rules") or []
        for role in others
        if role.get("kind") in ("Role", "ClusterRole")
    }
    lines = []
    for binding in others:
        if binding.get("kind") not in ("RoleBinding", "ClusterRoleBinding"):
            continue
        if account not in [subject.get("name") for subject in binding.get("subjects") or []]:
            continue
        reference = binding.get("roleRef") or {}
        for rule in roles.get((reference.get("kind"), reference.get("name")), []):
            what = rule.get("resources") or rule.get("nonResourceURLs") or []
            lines.append(f"{', '.join(rule.get('verbs') or [])} {', '.join(what)}")
    return list(dict.fromkeys(lines))
