"""The rules about pods and other objects of their stream: LimitRange, ResourceQuota and HorizontalPodAutoscaler.

`inject` reports what the agents cause, `check` all of it. Only objects of the same namespace count, and only those that are
given: what else a cluster holds is not known. Sources:
https://kubernetes.io/docs/concepts/policy/limit-range/
https://kubernetes.io/docs/concepts/policy/resource-quotas/
https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/#container-resource-metrics
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from sidecar_plugin.kubernetes.pod_rules import PodView, Problem, Running
from sidecar_plugin.kubernetes.pod_templates import PodTemplate
from sidecar_plugin.kubernetes.quantities import UNITS, WHOLE
from sidecar_plugin.kubernetes.stream_objects import (
    Data,
    StreamObject,
    amounts,
    mappings_of,
    resources_of,
    shown,
)
from sidecar_plugin.yamledit.access import scalar_text
from sidecar_plugin.yamledit.nodes import Mapping

_REQUESTED_BY = ("defaultRequest", "default", "min", "max")  # the keys of a LimitRange that give a container a request
_DEFAULT_UTILIZATION = "cpu"  # what autoscaling/v1 measures, and v2 without metrics


class StreamRules:
    """Holds pods against the objects of one or more streams, pod by pod, and then all together."""

    __slots__ = ("_by_namespace", "_by_target", "_objects", "_totals")

    def __init__(self, objects: list[StreamObject]) -> None:
        self._objects = objects
        self._by_namespace: dict[str, list[StreamObject]] = {}
        self._by_target: dict[tuple[str, str, str], list[StreamObject]] = {}  # autoscalers, by what they scale
        for one in objects:
            target = one.spec.get("scaleTargetRef")
            if one.kind != "HorizontalPodAutoscaler":
                self._by_namespace.setdefault(one.namespace, []).append(one)
            elif isinstance(target, dict):
                key = one.namespace, str(target.get("kind")), str(target.get("name"))
                self._by_target.setdefault(key, []).append(one)
        self._totals: dict[tuple[str, str], list[_Total]] = {}

    def problems(self, view: PodView) -> Iterator[tuple[str, Problem]]:
        """Yield what does not go with the containers of one pod, with the rule's name; note what the pod asks for."""
        pod = view.pod
        others = self._by_namespace.get(pod.namespace, [])
        for one in (*others, *self._by_target.get((pod.namespace, pod.kind, pod.name), ())):
            if one.kind == "ResourceQuota":
                self._totals.setdefault((one.name, one.namespace), []).append(_Total.of(view))
            for problem in _OF_POD[one.kind](one, view, others):
                yield NAMES[one.kind], problem

    def together(self) -> Iterator[tuple[str, StreamObject, Problem]]:
        """Yield what the pods seen so far exceed together, with the rule's name and the quota."""
        for one in self._objects:
            totals = self._totals.get((one.name, one.namespace), []) if one.kind == "ResourceQuota" else []
            for field, hard in _hard(one).items() if totals else ():
                asked = sum(total.all.get(field, 0) for total in totals)
                without = sum(total.without_agents.get(field, 0) for total in totals)
                if asked > hard:
                    who = "with the agents the workloads" if without <= hard else "the workloads"
                    message = f"{who} of the stream ask together for {field} {shown(field, asked)}"
                    message += f", and {one} allows {shown(field, hard)}: pods beyond it are refused"
                    remedy = "raise the quota or lower resources"
                    yield NAMES[one.kind], one, Problem(one.node, "spec.hard", message, remedy, without <= hard)


# --- LimitRange


def _limit_range(one: StreamObject, view: PodView, _: list[StreamObject]) -> Iterator[Problem]:
    for limit in mappings_of(one.spec, "limits"):
        if limit.get("type") == "Container":
            for container in view.running:
                for message in _container_limit(one, limit, container):
                    yield _of_container(container, f"{message}: the API server refuses the pod", "set resources")
        elif limit.get("type") == "Pod":
            yield from _pod_limit(one, limit, view)


def _container_limit(one: StreamObject, limit: Data, container: Running) -> Iterator[str]:
    limits, requests = (resources_of(container.data, kind) for kind in ("limits", "requests"))
    defaults = {**amounts(limit.get("max")), **amounts(limit.get("default"))}
    for resource, most in amounts(limit.get("max")).items():
        if (asked := max(limits.get(resource, 0), requests.get(resource, 0))) > most:
            text = f"{shown(resource, most)} of {resource} for a container, and {container.who} asks for"
            yield f"{one} allows {text} {shown(resource, asked)}"
    for resource, least in amounts(limit.get("min")).items():
        if resource in requests and requests[resource] < least:
            text = f"{shown(resource, least)} of {resource} for a container, and {container.who} asks for"
            yield f"{one} demands {text} {shown(resource, requests[resource])}"
    for resource, default in defaults.items():
        if resource not in limits and requests.get(resource, 0) > default:
            text = f"{resource} to {shown(resource, default)}, below what it requests"
            yield f"{one} limits {container.who}, which has no limit of its own, in {text}"
    for resource, ratio in amounts(limit.get("maxLimitRequestRatio")).items():
        if requests.get(resource) and limits.get(resource, 0) * WHOLE > ratio * requests[resource]:
            allowed, actual = f"{ratio / WHOLE:g} times the request", f"{limits[resource] / requests[resource]:.3g} times"
            yield f"{one} allows a limit of {allowed} of {resource}, and that of {container.who} is {actual}"


def _pod_limit(one: StreamObject, limit: Data, view: PodView) -> Iterator[Problem]:
    own = [each.data for each in view.running if not each.is_agent]
    for resource, most in amounts(limit.get("max")).items():
        groups = own, [each.data for each in view.running]
        before, after = (sum(resources_of(each, "limits").get(resource, 0) for each in group) for group in groups)
        if after > most:
            who = "with the agents its limits are" if before <= most else "its limits are"
            message = f"{one} allows {shown(resource, most)} of {resource} for a pod, and {who} {shown(resource, after)}"
            remedy = "lower the resources of its containers"
            yield _of_pod(view, f"{message}: the API server refuses the pod", remedy, before <= most)


# --- ResourceQuota


class _Total(NamedTuple):
    """What the pods of one workload ask for, by the field of a quota: all containers, and without the agents."""

    all: dict[str, int]
    without_agents: dict[str, int]

    @classmethod
    def of(cls, view: PodView) -> "_Total":
        pods = _replicas(view.pod)
        groups = view.running, [one for one in view.running if not one.is_agent]
        return cls(*(_sums([one.data for one in group], pods) for group in groups))


def _sums(containers: list[Data], pods: int) -> dict[str, int]:
    sums: dict[str, int] = {}
    for container in containers:
        for kind in ("requests", "limits"):
            for resource, amount in resources_of(container, kind).items():
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
    if one.spec.get("scopes") or one.spec.get("scopeSelector"):
        return {}
    hard = amounts(one.spec.get("hard"))
    plain = {f"requests.{name}": amount for name, amount in hard.items() if name in UNITS}
    return {**plain, **{name: amount for name, amount in hard.items() if name.partition(".")[2] in UNITS}}


def _quota(one: StreamObject, view: PodView, others: list[StreamObject]) -> Iterator[Problem]:
    """A quota for CPU or memory refuses pods with a container that does not say how much it takes."""
    filled_in = _defaults(others)
    for field in _hard(one):
        kind, _, resource = field.partition(".")
        if resource == "ephemeral-storage" or field in filled_in:
            continue
        for container in view.running:
            if resource not in resources_of(container.data, kind):
                message = f"{one} demands {field} of every container, and {container.who} has none"
                message += ": without a LimitRange that gives a default the pod is refused"
                yield _of_container(container, message, "set resources")


def _defaults(others: list[StreamObject]) -> set[str]:
    """Return the fields of a quota, such as limits.cpu, that the LimitRanges of the namespace fill in."""
    found: set[str] = set()
    for one in others:
        for limit in mappings_of(one.spec, "limits") if one.kind == "LimitRange" else ():
            if limit.get("type") == "Container":
                found |= {f"limits.{name}" for key in ("default", "max") for name in amounts(limit.get(key))}
                found |= {f"requests.{name}" for key in _REQUESTED_BY for name in amounts(limit.get(key))}
    return found


# --- HorizontalPodAutoscaler


def _autoscaler(one: StreamObject, view: PodView, _: list[StreamObject]) -> Iterator[Problem]:
    application = next((each.name for each in view.running if not each.is_agent), "") or "NAME"
    for resource in _utilizations(one.spec):
        scales = f"{one} scales by the utilization of {resource}"
        for container in view.running:
            if resource not in resources_of(container.data, "requests"):
                message = f"{scales}, and {container.who} requests none: it does not scale then"
                yield _of_container(container, message, f"set resources.requests.{resource}")
        if any(each.is_agent for each in view.running):
            remedy = f"measure the application alone: type ContainerResource, container {application} (autoscaling/v2)"
            yield _of_pod(view, f"{scales} of all containers, the agents' included", remedy, of_agents=True)


def _utilizations(spec: Data) -> list[str]:
    """Return the resources whose share of the pod's requests decides the number of pods."""
    if "metrics" not in spec:
        return [_DEFAULT_UTILIZATION]
    found = []
    for metric in mappings_of(spec, "metrics"):
        resource = metric.get("resource")
        if metric.get("type") == "Resource" and isinstance(resource, dict):
            target = resource.get("target")
            if isinstance(target, dict) and (target.get("type") == "Utilization" or "averageUtilization" in target):
                found.append(str(resource.get("name")))
    return found


def _of_container(one: Running, message: str, remedy: str) -> Problem:
    return Problem(one.node, f"{one.field}.resources", message, f"{remedy} of {one.who}", one.is_agent)


def _of_pod(view: PodView, message: str, remedy: str, of_agents: bool) -> Problem:
    return Problem(view.pod.spec, f"{view.pod.path}spec", message, remedy, of_agents)


_OF_POD: dict[str, Callable[[StreamObject, PodView, list[StreamObject]], Iterator[Problem]]] = {
    "LimitRange": _limit_range,
    "ResourceQuota": _quota,
    "HorizontalPodAutoscaler": _autoscaler,
}
NAMES = {"LimitRange": "limit-range", "ResourceQuota": "resource-quota", "HorizontalPodAutoscaler": "autoscaler-utilization"}
"""The rules' names, by the kind of object that they are about."""
