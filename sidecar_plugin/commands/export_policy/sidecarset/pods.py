"""Which pods a SidecarSet takes: the settings' selectors as one label selector on pods and one on namespaces.

A SidecarSet compares labels only, all of its expressions must hold, and it has one selector. Source:
https://openkruise.io/docs/user-manuals/sidecarset#sidecar-injection.
"""

from typing import Any, NamedTuple

from sidecar_plugin.commands.export_policy.policy import SPARED
from sidecar_plugin.commands.export_policy.sidecarset.kruise import NAMESPACE_SELECTOR, Kruise, text
from sidecar_plugin.errors import SettingsError
from sidecar_plugin.injection.selection import ANNOTATION_INJECT
from sidecar_plugin.kubernetes.selectors import Requirement, Selector, parse_selector
from sidecar_plugin.runtime.json_schema import Path
from sidecar_plugin.runtime.report import Results
from sidecar_plugin.settings.settings import AgentSettings, Settings

Data = dict[str, Any]

VIRTUAL_NODE = "serverless.alibabacloud.com/virtual-node"
COMPUTE_CLASS = "alibabacloud.com/compute-class"
"""The label by which a pod is of ACS, https://www.alibabacloud.com/help/en/cs/user-guide/inject-sidecar-containers-into-acs-pods-in-virtual-nodes."""
_ON_ACK = {"acs": "exists", "eci": "absent"}
"""The platforms that virtual nodes of ACK have, with the operator for COMPUTE_CLASS: a declaration works on its own only."""
_NAMESPACE = "kubernetes.io/metadata.name"
_OPERATORS = {"in": "In", "notin": "NotIn", "exists": "Exists", "absent": "DoesNotExist"}
_OPPOSITE = {"in": "notin", "notin": "in", "exists": "absent", "absent": "exists"}


class _Chosen(NamedTuple):
    """Labels that a pod must have; lists of namespaces, of each of which its own must be one; namespaces left out, by where
    the settings say so."""

    labels: list[Requirement]
    namespaces: list[tuple[Path, frozenset[str]]]
    left_out: list[tuple[Path, frozenset[str]]]


def pods(settings: Settings, agent: AgentSettings, kruise: Kruise, opt_out: bool, results: Results) -> Data:
    """Return the fields of a SidecarSet's spec that choose the pods for an agent, and for the others with the same targets.

    Raises SettingsError, at its place, for a selector that a SidecarSet cannot have.
    """
    chosen = _chosen(settings, agent)
    labels = [_expression(requirement) for requirement in [*_own(settings, kruise, opt_out), *chosen.labels]]
    selector: Data = {}
    if kruise.on_virtual_nodes:
        selector["matchLabels"] = {VIRTUAL_NODE: "true"}
    if labels:
        selector["matchExpressions"] = labels
    if not selector:
        raise settings.error("a SidecarSet needs a label to select pods by; give a labelSelector", ["targets"])
    return {**_namespaces(settings, agent, chosen, kruise, results), "selector": selector}


def _own(settings: Settings, kruise: Kruise, opt_out: bool) -> list[Requirement]:
    """Return the requirements that do not come from the settings' selectors."""
    own = []
    if kruise.on_virtual_nodes:
        if settings.platform not in _ON_ACK:
            raise settings.error(f"--virtual-nodes is for those of ACK; use platform: {' or '.join(_ON_ACK)}", ["platform"])
        own.append(Requirement(COMPUTE_CLASS, _ON_ACK[settings.platform], frozenset()))
    if opt_out:
        own.append(Requirement(ANNOTATION_INJECT, "notin", frozenset(("false",))))
    return own


def _chosen(settings: Settings, agent: AgentSettings) -> _Chosen:
    chosen = _Chosen([], [], [])
    own: Path = ["agents", agent.name, "targets"]
    for raw, path in ((settings.targets, ["targets"]), (agent.targets, own)):
        if len(raw) > 1:
            raise settings.error("a SidecarSet has one selector; keep one item, such as app in (web, api)", [*path, 1])
        for data in raw:
            selector = _parsed(settings, data, [*path, 0])
            chosen.labels.extend(selector.labels)
            if selector.namespaces:
                chosen.namespaces.append(([*path, 0, "namespaces"], frozenset(selector.namespaces)))
    for index, data in enumerate(settings.exclude):
        place: Path = ["exclude", index]
        selector = _parsed(settings, data, place)
        if len(selector.labels) + bool(selector.namespaces) != 1:
            raise settings.error("a SidecarSet leaves out pods by one thing only; name one label or namespaces", place)
        for requirement in selector.labels:
            chosen.labels.append(requirement._replace(operator=_OPPOSITE[requirement.operator]))
        if selector.namespaces:
            chosen.left_out.append(([*place, "namespaces"], frozenset(selector.namespaces)))
    return chosen


def _parsed(settings: Settings, data: Data, path: Path) -> Selector:
    try:
        selector = parse_selector(data)
    except SettingsError as error:
        raise settings.error(error.message, [*path, error.field]) from None
    for field, there in (("kinds", selector.kinds), ("names", selector.names), ("annotationSelector", selector.annotations)):
        if there:
            raise settings.error("a SidecarSet compares labels and namespaces only; use labelSelector", [*path, field])
    for name in selector.namespaces:
        if set("*?[").intersection(name):
            message = f'a SidecarSet takes whole names of namespaces only, and "{name}" is a pattern; write the names'
            raise settings.error(message, [*path, "namespaces"])
    return selector


def _expression(requirement: Requirement) -> Data:
    expression: Data = {"key": requirement.key, "operator": _OPERATORS[requirement.operator]}
    return {**expression, "values": sorted(requirement.values)} if requirement.values else expression


def _namespaces(settings: Settings, agent: AgentSettings, chosen: _Chosen, kruise: Kruise, results: Results) -> Data:
    if kruise.has(NAMESPACE_SELECTOR):
        spared = frozenset(SPARED).union(*(names for _, names in chosen.left_out))
        wanted = [Requirement(_NAMESPACE, "in", names) for _, names in chosen.namespaces]
        return {
            "namespaceSelector": {
                "matchExpressions": [*map(_expression, wanted), _expression(Requirement(_NAMESPACE, "notin", spared))]
            }
        }
    needs = f"needs OpenKruise {text(NAMESPACE_SELECTOR)}, and {kruise.limit()}"
    for path, _ in chosen.left_out:
        raise settings.error(f"leaving out namespaces {needs}; leave pods out by a label", path)
    for path, names in chosen.namespaces:
        if len(names) > 1:
            raise settings.error(f"more than one namespace {needs}; name one, or select by labels", path)
    named = frozenset(name for _, names in chosen.namespaces for name in names)
    if len(named) > 1:
        raise settings.error("no pod is in two namespaces; name one namespace", chosen.namespaces[1][0])
    if not (settings.targets or agent.targets):
        results.warn(
            f"sparing the namespaces {', '.join(SPARED)} {needs}: their pods get the agents too; "
            "set targets with a labelSelector or one namespace",
            None,
        )
    return {"namespace": min(named)} if named else {}
