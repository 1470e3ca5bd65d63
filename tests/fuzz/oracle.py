"""What an injection must mean, worked out on loaded data by means of its own: ruamel.yaml reads, and plain Python adds.

Nothing here comes from the program but the names of what the tests' agents bring (`tests.support.injection`).
"""

import copy
import json
from collections.abc import Callable
from typing import Any

import ruamel.yaml
from ruamel.yaml.constructor import SafeConstructor

from tests.support.injection import MARKER

Data = Any
POD_TEMPLATES: dict[str, tuple[str, ...]] = {
    "Pod": (),
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}


Find = Callable[[Data], list[Data]]
"""What returns the pod templates of a document."""


class _Constructor(SafeConstructor):
    """Scalars are their text, but null is None; tags say nothing; merge keys are applied."""


def _text(constructor: Any, node: Any) -> Any:
    is_null = not node.style and node.tag != "tag:yaml.org,2002:str" and node.value in ("", "~", "null", "Null", "NULL")
    return None if is_null else node.value


for _tag in ("null", "bool", "int", "float", "timestamp", "str", "value", "binary"):
    _Constructor.add_constructor(f"tag:yaml.org,2002:{_tag}", _text)


def load(text: str) -> list[Data]:
    """Return the documents of a stream that are not empty, no two places sharing anything."""
    yaml = ruamel.yaml.YAML(typ="safe", pure=True)
    yaml.Constructor = _Constructor
    yaml.allow_duplicate_keys = True
    return [_apart(document) for document in yaml.load_all(text) if document is not None]


def _apart(data: Data) -> Data:
    if isinstance(data, dict):
        return {key: _apart(value) for key, value in data.items()}
    return [_apart(item) for item in data] if isinstance(data, list) else data


def injected(documents: list[Data], spec: dict[str, Any], brought: dict[str, dict[str, Any]], find: Find) -> list[Data]:
    """Return the documents as they must be after injection by `spec`; `brought` is what each agent brings, as data."""
    documents = copy.deepcopy(documents)
    manifests: list[Data] = []
    for document in documents:
        for workload in find(document):
            for name in spec["agents"]:
                _add(workload, brought[name], spec["agents"][name], spec)
                manifests += [one for one in brought[name].get("manifests", ()) if one not in manifests]
    return documents + manifests


def without_markers(documents: list[Data], find: Find) -> list[Data]:
    """Return the documents less the program's marker, which must be JSON."""
    for document in documents:
        for workload in [*find(document), document]:
            metadata = workload.get("metadata") if isinstance(workload, dict) else None
            annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
            if isinstance(annotations, dict) and MARKER in annotations:
                json.loads(annotations.pop(MARKER))
    return [_pruned(document) for document in documents]


def comparable(documents: list[Data]) -> list[Data]:
    """Return the documents with nothing said in two ways: a list or map of a pod that is empty, null or missing is the same."""
    return [_pruned(document) for document in documents]


def pod_templates(document: Data) -> list[Data]:
    """Return the pod templates of the generated streams' kinds."""
    if not isinstance(document, dict):
        return []
    if document.get("kind") == "List":
        return [pod for item in document["items"] for pod in pod_templates(item)]
    steps = POD_TEMPLATES.get(str(document.get("kind")))
    if steps is None:
        return []
    for step in steps:
        document = document[step]
    return [document]


def _add(template: Data, parts: dict[str, Any], agent: dict[str, Any], spec: dict[str, Any]) -> None:
    pod = template["spec"]
    is_native = spec.get("clusterVersion", "1.30") == "1.30"
    front = agent.get("position", "first" if is_native else "last") == "first"
    applications = [one for one in pod["containers"] if one["name"].startswith("app")]
    container = dict(parts["container"])
    if is_native:
        container["restartPolicy"] = "Always"
    else:
        container["env"] = [{"name": "__IS_SIDECAR__", "value": "true"}, *container.get("env", [])]
    _extend(pod, "initContainers", parts.get("initContainers", []), front)
    _extend(pod, "initContainers" if is_native else "containers", [container], front)
    _extend(pod, "volumes", parts.get("volumes", []), False)
    _extend(pod, "imagePullSecrets", parts.get("imagePullSecrets", []), False)
    for application in applications:
        for key, items in parts.get("applicationContainers", {}).items():
            _extend(application, key, items, False)
    metadata = template.get("metadata") or {}
    template["metadata"] = metadata
    for key, part in (("labels", "podLabels"), ("annotations", "podAnnotations")):
        metadata[key] = {**(metadata.get(key) or {}), **parts.get(part, {})}


def _extend(mapping: Data, key: str, items: list[Data], front: bool) -> None:
    """Put items behind the ones there, or in front of them but behind those that an agent before put there."""
    if items:
        mapping.setdefault("__front", {})
        there = mapping.get(key) or []
        at = mapping["__front"].get(key, 0) if front else len(there)
        mapping[key] = [*there[:at], *items, *there[at:]]
        if front:
            mapping["__front"][key] = at + len(items)


def _pruned(data: Data) -> Data:
    """Return the data without empty lists and maps, nulls, and what the oracle counts."""
    if isinstance(data, dict):
        pruned = {key: _pruned(value) for key, value in data.items() if key != "__front"}
        return {key: value for key, value in pruned.items() if value not in (None, [], {})}
    return [_pruned(item) for item in data] if isinstance(data, list) else data
