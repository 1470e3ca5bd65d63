"""What other objects of the stream forbid: LimitRange, ResourceQuota and HorizontalPodAutoscaler, held against injected pods.

The pods fit without the agents. Only objects of the same stream and namespace are looked at: what else a cluster holds is not
known. Sources:
https://kubernetes.io/docs/concepts/policy/limit-range/
https://kubernetes.io/docs/concepts/policy/resource-quotas/
https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/#container-resource-metrics
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sidecar_plugin.injection.pod_rules import Added, PodView
from sidecar_plugin.kubernetes.pod_templates import PodTemplate
from sidecar_plugin.kubernetes.quantities import GI, parse_quantity
from sidecar_plugin.runtime.report import Results
from sidecar_plugin.yamledit.access import effective_pair, scalar_text
from sidecar_plugin.yamledit.construct import DataError, to_data
from sidecar_plugin.yamledit.documents import Document
from sidecar_plugin.yamledit.nodes import Mapping, Node, Sequence, follow

Data = dict[str, Any]
KINDS = ("LimitRange", "ResourceQuota", "HorizontalPodAutoscaler")
_CORE = 10**9  # in billionths
_UNITS = {"cpu": (_CORE, "cores"), "memory": (GI, "GiB"), "ephemeral-storage": (GI, "GiB")}
_REQUESTED_BY = ("defaultRequest", "default", "min", "max")  # the keys of a LimitRange that give a container a request
_DEFAULT_UTILIZATION = "cpu"  # what autoscaling/v1 measures, and v2 without metrics


class StreamObject(NamedTuple):
    """One object of the stream that limits or scales pods."""

    kind: str
    name: str
    namespace: str
    spec: Data

    def __str__(self) -> str:
        return f"the {self.kind} {self.name}"


class StreamRules:
    """Holds injected pods against the objects of one stream, and warns."""

    __slots__ = ("_objects", "_results", "_totals")

    def __init__(self, objects: list[StreamObject], results: Results) -> None:
        self._objects = objects
        self._results = results
        self._totals: dict[tuple[str, str], list[_Total]] = {}

    def check(self, view: PodView, added: list[Added]) -> None:
        """Warn of what does not go with the agents of one pod, and note what the pod asks for, for `check_totals`."""
        pod = view.pod
        for one in self._objects:
            if one.namespace != pod.namespace:
                continue
            if one.kind == "ResourceQuota":
                self._totals.setdefault((one.name, one.namespace), []).append(_Total.of(view, added))
                messages = _quota(one, added, self._defaults(one.namespace))
            else:
                messages = _RULES[one.kind](one, view, added)
            for message in messages:
                self._results.warn(f"{pod.kind}/{pod.name}: {message}", pod.document.place(pod.offset))

    def _defaults(self, namespace: str) -> set[str]:
        """Return the fields of a quota, such as limits.cpu, that a LimitRange of the namespace fills in."""
        found: set[str] = set()
        for one in self._objects:
            for limit in _list(one.spec, "limits") if (one.kind, one.namespace) == ("LimitRange", namespace) else ():
                if limit.get("type") == "Container":
                    found |= {f"limits.{name}" for key in ("default", "max") for name in _amounts(limit.get(key))}
                    found |= {f"requests.{name}" for key in _REQUESTED_BY for name in _amounts(limit.get(key))}
        return found

    def check_totals(self) -> None:
        """Warn of quotas that the workloads of the stream exceed together, and would not without the agents."""
        for one in self._objects:
            totals = self._totals.get((one.name, one.namespace), [])
            for field, hard in _hard(one).items():
                with_agents = sum(total.with_agents.get(field, 0) for total in totals)
                without = sum(total.without.get(field, 0) for total in totals)
                if without <= hard < with_agents:
                    shown = f"{_shown(field, with_agents)}, and {one} allows {_shown(field, hard)}"
                    message = f"with the agents the workloads of the stream ask together for {field} {shown}"
                    self._results.warn(
                        f"{message}: pods beyond it are refused; raise the quota or lower the agents' resources", None
                    )


def stream_rules(documents: list[Document], results: Results) -> StreamRules | None:
    """Return the rules of a stream, None if it holds no object that limits or scales pods. Raises ManifestError."""
    found = [one for document in documents if any(kind in document.text for kind in KINDS) for one in _objects(document)]
    return StreamRules(found, results) if found else None


def _objects(document: Document) -> Iterator[StreamObject]:
    for node in _items(document.parse().root):
        kind = scalar_text(node, "kind") or ""
        metadata, spec = (_field(node, key) for key in ("metadata", "spec"))
        if kind not in KINDS or not isinstance(metadata, Mapping) or spec is None:
            continue
        try:
            data = to_data(spec)
        except DataError:
            continue  # the API server refuses it
        if isinstance(data, dict):
            yield StreamObject(kind, scalar_text(metadata, "name") or "", scalar_text(metadata, "namespace") or "", data)


def _items(root: Node | None) -> Iterator[Mapping]:
    """Yield the objects of a document: itself, or the items of a list."""
    node = follow(root) if root is not None else None
    items = _field(node, "items") if isinstance(node, Mapping) else None
    if isinstance(items, Sequence):
        for item in items.items:
            yield from _items(item)
    elif isinstance(node, Mapping):
        yield node


def _field(mapping: Mapping, key: str) -> Node | None:
    pair = effective_pair(mapping, key)
    return follow(pair[1]) if pair else None


# --- quantities


def _amounts(data: Any) -> dict[str, int]:
    """Return the quantities of a mapping by their names, without those that are none: the API server refuses these."""
    amounts = {}
    for name, value in data.items() if isinstance(data, dict) else ():
        try:
            amounts[str(name)] = parse_quantity(value)
        except (TypeError, ValueError):
            continue
    return amounts


def _resources(container: Data, kind: str) -> dict[str, int]:
    """Return what a container requests or is limited to; a limit without a request counts as the request."""
    resources = container.get("resources")
    if not isinstance(resources, dict):
        return {}
    limits = _amounts(resources.get("limits"))
    return limits if kind == "limits" else {**limits, **_amounts(resources.get("requests"))}


def _shown(resource: str, amount: int) -> str:
    unit, text = _UNITS.get(resource.rpartition(".")[2], (_CORE, ""))
    return f"{amount / unit:.4g} {text}".rstrip()


# --- LimitRange


def _limit_range(one: StreamObject, view: PodView, added: list[Added]) -> Iterator[str]:
    for limit in _list(one.spec, "limits"):
        if limit.get("type") == "Container":
            for agent in added:
                yield from _container_limit(one, limit, agent)
        elif limit.get("type") == "Pod":
            yield from _pod_limit(one, limit, view, added)


def _container_limit(one: StreamObject, limit: Data, agent: Added) -> Iterator[str]:
    limits, requests = (_resources(agent.container, kind) for kind in ("limits", "requests"))
    defaults = {**_amounts(limit.get("max")), **_amounts(limit.get("default"))}
    remedy = f"the API server refuses the pod; set resources of the agent {agent.agent}"
    for resource, most in _amounts(limit.get("max")).items():
        if (asked := max(limits.get(resource, 0), requests.get(resource, 0))) > most:
            shown = f"{_shown(resource, most)} of {resource} for a container, and the agent {agent.agent} asks for"
            yield f"{one} allows {shown} {_shown(resource, asked)}: {remedy}"
    for resource, least in _amounts(limit.get("min")).items():
        if resource in requests and requests[resource] < least:
            shown = f"{_shown(resource, least)} of {resource} for a container, and the agent {agent.agent} asks for"
            yield f"{one} demands {shown} {_shown(resource, requests[resource])}: {remedy}"
    for resource, default in defaults.items():
        if resource not in limits and requests.get(resource, 0) > default:
            shown = f"{resource} to {_shown(resource, default)}, below what it requests"
            yield f"{one} limits the agent {agent.agent}, which has no limit of its own, in {shown}: {remedy}"
    for resource, ratio in _amounts(limit.get("maxLimitRequestRatio")).items():
        if requests.get(resource) and limits.get(resource, 0) * _CORE > ratio * requests[resource]:
            allowed, actual = f"{ratio / _CORE:g} times the request", f"{limits[resource] / requests[resource]:.3g} times"
            yield f"{one} allows a limit of {allowed} of {resource}, and that of the agent {agent.agent} is {actual}: {remedy}"


def _pod_limit(one: StreamObject, limit: Data, view: PodView, added: list[Added]) -> Iterator[str]:
    own, agents = [data for _, data in view.containers], [agent.container for agent in added]
    for resource, most in _amounts(limit.get("max")).items():
        before, after = (sum(_resources(each, "limits").get(resource, 0) for each in group) for group in (own, [*own, *agents]))
        if before <= most < after:
            shown = f"{_shown(resource, most)} of {resource} for a pod, and with the agents its limits are"
            yield f"{one} allows {shown} {_shown(resource, after)}: the API server refuses the pod; lower the agents' resources"


# --- ResourceQuota


class _Total(NamedTuple):
    """What the pods of one workload ask for, by the field of a quota: with and without the agents."""

    with_agents: dict[str, int]
    without: dict[str, int]

    @classmethod
    def of(cls, view: PodView, added: list[Added]) -> "_Total":
        own = [data for _, data in view.containers]
        pods = _replicas(view.pod)
        return cls(*(_sums(group, pods) for group in ([*own, *(agent.container for agent in added)], own)))


def _sums(containers: list[Data], pods: int) -> dict[str, int]:
    sums: dict[str, int] = {}
    for container in containers:
        for kind in ("requests", "limits"):
            for resource, amount in _resources(container, kind).items():
                field = f"{kind}.{resource}"
                sums[field] = sums.get(field, 0) + amount * pods
    return sums


def _replicas(pod: PodTemplate) -> int:
    """Return how many pods of a workload run at a time; a DaemonSet counts once, as the nodes are not known."""
    spec = pod.root.get("spec")
    for key in ("replicas", "parallelism"):
        text = scalar_text(spec, key) if isinstance(spec, Mapping) else None
        if text is not None and text.isdigit() and len(text) < 10:
            return int(text)
    return 1


def _hard(one: StreamObject) -> dict[str, int]:
    """Return what a quota for all pods allows, by requests.NAME and limits.NAME. One with scopes is for some pods only."""
    if one.kind != "ResourceQuota" or one.spec.get("scopes") or one.spec.get("scopeSelector"):
        return {}
    hard = _amounts(one.spec.get("hard"))
    plain = {f"requests.{name}": amount for name, amount in hard.items() if name in _UNITS}
    return {**plain, **{name: amount for name, amount in hard.items() if name.partition(".")[2] in _UNITS}}


def _quota(one: StreamObject, added: list[Added], defaults: set[str]) -> Iterator[str]:
    """A quota for CPU or memory refuses pods with a container that does not say how much it takes. `defaults` are the fields
    that a LimitRange fills in."""
    for field in _hard(one):
        kind, _, resource = field.partition(".")
        if resource == "ephemeral-storage" or field in defaults:
            continue
        for agent in added:
            if resource not in _resources(agent.container, kind):
                message = f"{one} demands {field} of every container, and the agent {agent.agent} has none"
                yield f"{message}: without a LimitRange that gives a default the pod is refused; set the agent's resources"


# --- HorizontalPodAutoscaler


def _autoscaler(one: StreamObject, view: PodView, added: list[Added]) -> Iterator[str]:
    target = one.spec.get("scaleTargetRef")
    if not isinstance(target, dict) or (target.get("kind"), target.get("name")) != (view.pod.kind, view.pod.name):
        return
    for resource in _utilizations(one.spec):
        without = [agent.agent for agent in added if resource not in _resources(agent.container, "requests")]
        if without:
            message = f"{one} scales by the utilization of {resource}, and the agent {', '.join(without)} requests none"
            yield f"{message}: it does not scale then; set resources.requests.{resource} of the agent"
        application = next((data.get("name") for _, data in view.containers), None) or "NAME"
        message = f"{one} scales by the utilization of {resource} of all containers, the agents' included"
        yield f"{message}; measure the application alone: type ContainerResource, container {application} (autoscaling/v2)"


def _utilizations(spec: Data) -> list[str]:
    """Return the resources whose share of the pod's requests decides the number of pods."""
    if "metrics" not in spec:
        return [_DEFAULT_UTILIZATION]
    found = []
    for metric in _list(spec, "metrics"):
        resource = metric.get("resource")
        if metric.get("type") == "Resource" and isinstance(resource, dict):
            target = resource.get("target")
            if isinstance(target, dict) and (target.get("type") == "Utilization" or "averageUtilization" in target):
                found.append(str(resource.get("name")))
    return found


def _list(data: Data, key: str) -> list[Data]:
    items = data.get(key)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


_RULES = {"LimitRange": _limit_range, "HorizontalPodAutoscaler": _autoscaler}
