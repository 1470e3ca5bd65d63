"""The settings as SidecarSets of OpenKruise: one for all agents with the same targets.

Source: https://openkruise.io/docs/user-manuals/sidecarset.
"""

import json
import re
from typing import Any

from sidecar_plugin.commands.export_policy.agents import Addition, PolicyAgents
from sidecar_plugin.commands.export_policy.sidecarset.containers import (
    check_additions,
    check_declaration,
    check_order,
    pod_fields,
    with_fields,
)
from sidecar_plugin.commands.export_policy.sidecarset.kruise import V1BETA1, Kruise
from sidecar_plugin.commands.export_policy.sidecarset.pods import pods
from sidecar_plugin.commands.export_policy.sidecarset.resources import LABELS, binding, in_namespace, manifests
from sidecar_plugin.errors import UsageError
from sidecar_plugin.injection.marker import INJECTED, Marker
from sidecar_plugin.runtime.report import Results
from sidecar_plugin.settings.settings import Settings

Data = dict[str, Any]

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_WHITE_LIST = "SidecarSet_PatchPodMetadata_WhiteList"


def sidecar_sets(
    settings: Settings, added: PolicyAgents, name: str, kruise: Kruise, opt_out: bool, results: Results
) -> list[Data]:
    """Return the objects. Agents with `targets` of their own have a SidecarSet of their own: `name` and the agents' names.

    Without `opt_out` no label of a pod leaves it out. Raises SettingsError for what a SidecarSet cannot do, at the setting, and
    UsageError for a name that no SidecarSet can have.
    """
    check_declaration(settings, added, kruise, results)
    check_additions(settings, added)
    check_order(added, kruise, results)
    groups: dict[str, list[str]] = {}
    for agent in added.agents.values():
        groups.setdefault(json.dumps(agent.targets, sort_keys=True), []).append(agent.name)
    documents = manifests(settings, added, kruise.resources_namespace)
    for agents in groups.values():
        own_name = "-".join((name, *agents)) if added.agents[agents[0]].targets else name
        if not _NAME.fullmatch(own_name):
            raise UsageError(f'--name {name}: a SidecarSet would be named {own_name}; use a-z, 0-9 and "-", at most 63 in all')
        documents += _sidecar_set(settings, added, agents, own_name, kruise, opt_out, results)
    return documents


def needs(documents: list[Data], kruise: Kruise) -> list[str]:
    """Return what the cluster must have for these objects."""
    found = []
    if kruise.on_virtual_nodes:
        found.append("The API server needs the feature gate SidecarSetServerlessPod=true (ACK, for pods on virtual nodes).")
    keys = [
        key
        for document in documents
        for patch in document.get("spec", {}).get("patchPodMetadata", ())
        for key in patch["annotations"]
    ]
    if keys:
        rules = {"rules": [{"allowedAnnotationKeyExprs": ["^" + key.replace(".", r"\.") + "$" for key in dict.fromkeys(keys)]}]}
        found.append(f"OpenKruise must allow the annotations, in its ConfigMap kruise-configuration, key {_WHITE_LIST}:")
        found.append(json.dumps(rules, separators=(",", ":")))
    return found


def _sidecar_set(
    settings: Settings, added: PolicyAgents, agents: list[str], name: str, kruise: Kruise, opt_out: bool, results: Results
) -> list[Data]:
    own = [one for one in added.additions if not set(one.agents).isdisjoint(agents)]
    spec: Data = {**pods(settings, added.agents[agents[0]], kruise, opt_out, results), "updateStrategy": {"type": "NotUpdate"}}
    spec |= pod_fields(settings, own, kruise, results)
    annotations = {one.key: with_fields(settings, one) for one in own if one.path == "metadata.annotations"}
    if len(agents) == len(added.agents):
        annotations[INJECTED] = _marker(added, own)
    if annotations:
        spec["patchPodMetadata"] = [{"annotations": annotations, "patchPolicy": "Retain"}]
    made: list[Data] = []
    if kruise.resources_namespace:
        owners = {one.key: one.agents[0] for one in own if one.path == "spec.volumes"}
        found = [
            in_namespace(settings, owners[volume["name"]], volume, kruise.resources_namespace)
            for volume in spec.get("volumes", ())
        ]
        spec |= {"volumes": [volume for volume, _ in found]} if found else {}
        resources = [reference for _, references in found for reference in references]
        made += [binding(name, kruise.resources_namespace, resources)] if resources else []
    api_version = f"apps.kruise.io/{'v1beta1' if kruise.has(V1BETA1) else 'v1alpha1'}"
    return [
        *made,
        {"apiVersion": api_version, "kind": "SidecarSet", "metadata": {"name": name, "labels": LABELS}, "spec": spec},
    ]


def _marker(added: PolicyAgents, own: list[Addition]) -> str:
    agents = {
        name: {"declaration": added.declaration.name, "container": container} for name, container in added.containers.items()
    }
    names: dict[str, list[str]] = {}
    for one in own:
        names.setdefault(one.path, []).append(one.key)
    return Marker(agents, names, [], [], {}).to_json()
