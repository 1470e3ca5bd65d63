"""What a tool rendered, read as data: which workload got which agents, in which declaration."""

from typing import Any

import yaml

AGENTS = frozenset({"logging", "monitoring", "proxy"})
TO_POD_TEMPLATE = {"CronJob": ("spec", "jobTemplate", "spec", "template")}
INJECTED = "sidecar-plugin.dev/injected"

Document = dict[str, Any]


def documents(text: str) -> list[Document]:
    """Return the documents of a stream, the empty ones left out."""
    return [document for document in yaml.safe_load_all(text) if document]


def pod_templates(text: str) -> dict[str, Document]:
    """Return the pod template of each workload, under `Kind/name`."""
    found = {}
    for document in documents(text):
        node: Any = document
        for key in TO_POD_TEMPLATE.get(document["kind"], ("spec", "template")):
            node = node.get(key) if isinstance(node, dict) else None
        if node:
            found[f"{document['kind']}/{document['metadata']['name']}"] = node
    return found


def sidecars(text: str) -> dict[str, dict[str, str]]:
    """Return each workload's agents with the declaration they stand in: `{"Job/copy": {"logging": "native"}}`."""
    return {
        workload: {
            container["name"]: declaration(container, key)
            for key in ("initContainers", "containers")
            for container in template["spec"].get(key, ())
            if container["name"] in AGENTS
        }
        for workload, template in pod_templates(text).items()
    }


def declaration(container: Document, key: str) -> str:
    """Return how a container of the list `key` is declared a sidecar."""
    if key == "initContainers":
        return "native" if container.get("restartPolicy") == "Always" else "not a sidecar"
    return "acs" if {"name": "__IS_SIDECAR__", "value": "true"} in container.get("env", ()) else "regular"
