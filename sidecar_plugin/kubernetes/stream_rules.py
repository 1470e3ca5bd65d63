"""The rules about pods and other objects of their stream: LimitRange, ResourceQuota and HorizontalPodAutoscaler.

`inject` reports what the agents cause, `check` all of it. Only objects of the same namespace count, and only those that are
given: what else a cluster holds is not known. Sources:
https://kubernetes.io/docs/concepts/policy/limit-range/
https://kubernetes.io/docs/concepts/policy/resource-quotas/
https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/#container-resource-metrics
"""

from collections.abc import Iterator

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


Bounds = dict[str, tuple[int, StreamObject]]
"""The strictest amount by resource, and the object that sets it: what a pod is held against, however many objects there are."""


class StreamRules:
    """Holds pods against the objects of one or more streams, pod by pod, and then all together."""

    __slots__ = ("_by_target", "_namespaces", "_objects")

    def __init__(self, objects: list[StreamObject]) -> None:
        self._objects = objects
        self._by_target: dict[tuple[str, str, str], dict[str, StreamObject]] = {}  # autoscalers by what they scale, by resource
        by_namespace: dict[str, list[StreamObject]] = {}
        for one in objects:
            target = one.spec.get("scaleTargetRef")
            if one.kind != "HorizontalPodAutoscaler":
                by_namespace.setdefault(one.namespace, []).append(one)
            elif isinstance(target, dict):
                known = self._by_target.setdefault((one.namespace, str(target.get("kind")), str(target.get("name"))), {})
                for resource in _utilizations(one.spec):
                    known.setdefault(resource, one)
        self._namespaces = {name: _Namespace(those) for name, those in by_namespace.items()}

    def problems(self, view: PodView) -> Iterator[tuple[str, Problem]]:
        """Yield what does not go with the containers of one pod, with the rule's name; note what the pod asks for."""
        pod = view.pod
        namespace = self._namespaces.get(pod.namespace)
        if namespace:
            for problem in namespace.limits(view):
                yield NAMES["LimitRange"], problem
            for problem in namespace.missing(view):
                yield NAMES["ResourceQuota"], problem
            namespace.count(view)
        for resource, one in self._by_target.get((pod.namespace, pod.kind, pod.name), {}).items():
            for problem in _autoscaler(one, resource, view):
                yield NAMES["HorizontalPodAutoscaler"], problem

    def together(self) -> Iterator[tuple[str, StreamObject, Problem]]:
        """Yield what the pods seen so far exceed together, with the rule's name and the quota."""
        for one in self._objects:
            for field, hard in _hard(one).items() if one.kind == "ResourceQuota" else ():
                namespace = self._namespaces[one.namespace]
                asked, without = namespace.asked.get(field, 0), namespace.without_agents.get(field, 0)
                if asked > hard:
                    who = "with the agents the workloads" if without <= hard else "the workloads"
                    message = f"{who} of the stream ask together for {field} {shown(field, asked)}"
                    message += f", and {one} allows {shown(field, hard)}: pods beyond it are refused"
                    remedy = "raise the quota or lower resources"
                    yield NAMES[one.kind], one, Problem(one.node, "spec.hard", message, remedy, without <= hard)


class _Namespace:
    """What the LimitRanges and ResourceQuotas of a namespace demand together, and what its pods ask for."""

    __slots__ = ("_default", "_demanded", "_max", "_max_of_pod", "_min", "_ratio", "asked", "without_agents")

    def __init__(self, objects: list[StreamObject]) -> None:
        of_containers, of_pods = (
            [
                (one, limit)
                for one in objects
                for limit in (mappings_of(one.spec, "limits") if one.kind == "LimitRange" else ())
                if limit.get("type") == kind
            ]
            for kind in ("Container", "Pod")
        )
        self._max, self._default = _lowest(of_containers, "max"), _lowest(of_containers, "max", "default")
        self._min, self._ratio = _highest(of_containers, "min"), _lowest(of_containers, "maxLimitRequestRatio")
        self._max_of_pod = _lowest(of_pods, "max")
        filled_in = {
            f"{kind}.{name}"
            for _, limit in of_containers
            for kind, keys in (("limits", ("default", "max")), ("requests", _REQUESTED_BY))
            for key in keys
            for name in amounts(limit.get(key))
        }
        self._demanded: dict[str, StreamObject] = {}  # the first quota that makes every container say how much it takes
        for one in objects:
            for field in _hard(one) if one.kind == "ResourceQuota" else ():
                if not field.endswith(".ephemeral-storage") and field not in filled_in:
                    self._demanded.setdefault(field, one)
        self.asked: dict[str, int] = {}
        """What the pods counted so far ask for, by the field of a quota."""
        self.without_agents: dict[str, int] = {}
        """The same without the agents."""

    def limits(self, view: PodView) -> Iterator[Problem]:
        """Yield what LimitRanges refuse in a pod."""
        for container in view.running:
            for message in self._limits_of(container):
                yield _of_container(container, f"{message}: the API server refuses the pod", "set resources")
        own = [each.data for each in view.running if not each.is_agent]
        before, after = (_summed(group, "limits") for group in (own, [each.data for each in view.running]))
        for resource, asked in after.items():
            most, one = self._max_of_pod.get(resource, (asked, None))
            if asked > most:
                by_agents = before.get(resource, 0) <= most
                who = "with the agents its limits are" if by_agents else "its limits are"
                message = f"{one} allows {shown(resource, most)} of {resource} for a pod, and {who} {shown(resource, asked)}"
                remedy = "lower the resources of its containers"
                yield _of_pod(view, f"{message}: the API server refuses the pod", remedy, by_agents)

    def _limits_of(self, container: Running) -> Iterator[str]:
        limits, requests = (resources_of(container.data, kind) for kind in ("limits", "requests"))
        for resource, request in requests.items():
            asked = max(limits.get(resource, 0), request)
            most, one = self._max.get(resource, (asked, None))
            if asked > most:
                text = f"{shown(resource, most)} of {resource} for a container, and {container.who} asks for"
                yield f"{one} allows {text} {shown(resource, asked)}"
            least, one = self._min.get(resource, (request, None))
            if request < least:
                text = f"{shown(resource, least)} of {resource} for a container, and {container.who} asks for"
                yield f"{one} demands {text} {shown(resource, request)}"
            default, one = self._default.get(resource, (request, None))
            if resource not in limits and request > default:
                text = f"{resource} to {shown(resource, default)}, below what it requests"
                yield f"{one} limits {container.who}, which has no limit of its own, in {text}"
            ratio, one = self._ratio.get(resource, (0, None))
            if one and request and limits.get(resource, 0) * WHOLE > ratio * request:
                allowed, actual = f"{ratio / WHOLE:g} times the request", f"{limits[resource] / request:.3g} times"
                yield f"{one} allows a limit of {allowed} of {resource}, and that of {container.who} is {actual}"

    def missing(self, view: PodView) -> Iterator[Problem]:
        """Yield the containers that do not say how much they take, where a quota for CPU or memory demands it."""
        for field, one in self._demanded.items():
            kind, _, resource = field.partition(".")
            for container in view.running:
                if resource not in resources_of(container.data, kind):
                    message = f"{one} demands {field} of every container, and {container.who} has none"
                    message += ": without a LimitRange that gives a default the pod is refused"
                    yield _of_container(container, message, "set resources")

    def count(self, view: PodView) -> None:
        """Add what all pods of a workload ask for."""
        pods = _replicas(view.pod)
        own = [each.data for each in view.running if not each.is_agent]
        for sums, group in ((self.asked, [each.data for each in view.running]), (self.without_agents, own)):
            for kind in ("requests", "limits"):
                for resource, amount in _summed(group, kind).items():
                    field = f"{kind}.{resource}"
                    sums[field] = sums.get(field, 0) + amount * pods


def _lowest(limits: list[tuple[StreamObject, Data]], *keys: str) -> Bounds:
    """Return the lowest amounts; of one limit, a later key counts instead of an earlier one."""
    found: Bounds = {}
    for one, limit in limits:
        for resource, amount in {name: each for key in keys for name, each in amounts(limit.get(key)).items()}.items():
            if resource not in found or amount < found[resource][0]:
                found[resource] = amount, one
    return found


def _highest(limits: list[tuple[StreamObject, Data]], key: str) -> Bounds:
    found: Bounds = {}
    for one, limit in limits:
        for resource, amount in amounts(limit.get(key)).items():
            if resource not in found or amount > found[resource][0]:
                found[resource] = amount, one
    return found


def _summed(containers: list[Data], kind: str) -> dict[str, int]:
    sums: dict[str, int] = {}
    for container in containers:
        for resource, amount in resources_of(container, kind).items():
            sums[resource] = sums.get(resource, 0) + amount
    return sums


def _replicas(pod: PodTemplate) -> int:
    """Return how many pods of a workload run at a time; a DaemonSet counts once, as the nodes are not known."""
    spec = pod.root.get("spec")
    for key in ("replicas", "parallelism"):
        text = scalar_text(spec, key) if isinstance(spec, Mapping) else None
        if text is not None and text.isascii() and text.isdigit() and len(text) < 10:
            return int(text)
    return 1


def _hard(one: StreamObject) -> dict[str, int]:
    """Return what a quota for all pods allows, by requests.NAME and limits.NAME. One with scopes is for some pods only."""
    if one.spec.get("scopes") or one.spec.get("scopeSelector"):
        return {}
    hard = amounts(one.spec.get("hard"))
    plain = {f"requests.{name}": amount for name, amount in hard.items() if name in UNITS}
    return {**plain, **{name: amount for name, amount in hard.items() if name.partition(".")[2] in UNITS}}


# --- HorizontalPodAutoscaler


def _autoscaler(one: StreamObject, resource: str, view: PodView) -> Iterator[Problem]:
    application = next((each.name for each in view.running if not each.is_agent), "") or "NAME"
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


NAMES = {"LimitRange": "limit-range", "ResourceQuota": "resource-quota", "HorizontalPodAutoscaler": "autoscaler-utilization"}
"""The rules' names, by the kind of object that they are about."""
