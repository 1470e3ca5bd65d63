"""What in a pod does not go with the agents that it gets: one function a rule, each a warning with its place.

The pod is valid without the agents, and would start, run or end differently with them.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from sidecar_plugin.kubernetes.containers import Container, containers, listening_ports
from sidecar_plugin.kubernetes.pod_templates import PodTemplate
from sidecar_plugin.kubernetes.quantities import GI, parse_quantity, requested
from sidecar_plugin.yamledit.access import effective_pair, scalar_text
from sidecar_plugin.yamledit.construct import DataError, to_data
from sidecar_plugin.yamledit.nodes import Mapping, Node, follow

Data = dict[str, Any]
_CPU = 10**9  # one core in billionths
_POD_KEYS = ("hostNetwork", "securityContext", "resources", "terminationGracePeriodSeconds")
_CONTAINER_KEYS = ("name", "restartPolicy", "ports", "livenessProbe", "readinessProbe", "startupProbe", "resources")


class Added(NamedTuple):
    """The container of one agent, as it is added to the pod."""

    agent: str
    container: Data


class Finding(NamedTuple):
    """What does not go together, and the node of the pod that it is about."""

    message: str
    node: Node


class PodView(NamedTuple):
    """A pod as the rules read it: `data` is of its spec, `containers` those that run beside the agents, with their data."""

    pod: PodTemplate
    data: Data
    containers: list[tuple[Container, Data]]


def view_of(pod: PodTemplate) -> PodView | None:
    """Return the pod as the rules read it, None for one that has no plain data, as with a tag of its own."""
    try:
        data = _data(pod.spec, _POD_KEYS)
        running = [(one, _data(one.node, _CONTAINER_KEYS)) for one in containers(pod)]
    except DataError:
        return None
    return PodView(pod, data, [(one, own) for one, own in running if one.list_name == "containers" or _is_native(own)])


def findings(view: PodView, added: list[Added]) -> Iterator[Finding]:
    """Yield what does not go with the agents."""
    for rule in RULES:
        yield from rule(view, added)


def is_windows(pod: PodTemplate) -> bool:
    """Say whether the pod asks for a Windows node: the agents' images are for Linux.

    By os.name, a node selector, or a required node affinity whose every term is for Windows
    (https://kubernetes.io/docs/concepts/windows/user-guide/).
    """
    system = effective_pair(pod.spec, "os")
    selector = effective_pair(pod.spec, "nodeSelector")
    named = scalar_text(follow(system[1]), "name") if system else None
    chosen = [scalar_text(follow(selector[1]), label) for label in _OS_LABELS] if selector else []
    return "windows" in (named, *chosen) or _has_windows_affinity(pod)


_OS_LABELS = ("kubernetes.io/os", "beta.kubernetes.io/os")


def _has_windows_affinity(pod: PodTemplate) -> bool:
    pair = effective_pair(pod.spec, "affinity")
    if pair is None:
        return False
    try:
        data = to_data(pair[1])
    except DataError:
        return False
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    for key in ("nodeAffinity", required, "nodeSelectorTerms"):
        data = data.get(key) if isinstance(data, dict) else None
    return isinstance(data, list) and bool(data) and all(_is_for_windows(term) for term in data)


def _is_for_windows(term: Any) -> bool:
    expressions = term.get("matchExpressions") if isinstance(term, dict) else None
    return any(
        isinstance(one, dict)
        and one.get("key") in _OS_LABELS
        and one.get("operator") == "In"
        and one.get("values") == ["windows"]
        for one in (expressions if isinstance(expressions, list) else ())
    )


def _data(mapping: Mapping, keys: tuple[str, ...]) -> Data:
    """Return the fields that the rules look at as plain data; the rest of a pod is long and not read."""
    pairs = ((key, effective_pair(mapping, key)) for key in keys)
    return {key: to_data(pair[1]) for key, pair in pairs if pair is not None}


def _is_native(container: Data) -> bool:
    return container.get("restartPolicy") == "Always"


def _section(data: Data, key: str) -> Data:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def _node(view: PodView, key: str) -> Node:
    pair = effective_pair(view.pod.spec, key)
    return pair[0] if pair else view.pod.spec


def ports(view: PodView, added: list[Added]) -> Iterator[Finding]:
    """All containers of a pod share one network (https://kubernetes.io/docs/concepts/workloads/pods/#pod-networking)."""
    taken: dict[int, str] = {}
    own: dict[int, Node] = {}
    for container, data in view.containers:
        for port in listening_ports(data):
            taken.setdefault(port, f"the container {container.name}")
            own.setdefault(port, container.node)
    for one in added:
        for port in sorted(listening_ports(one.container)):
            if port in taken:
                message = f"the agent {one.agent} and {taken[port]} both listen on port {port}, and a pod has one network"
                yield Finding(f"{message}; the second fails to start: give one another port", own.get(port, view.pod.spec))
            taken.setdefault(port, f"the agent {one.agent}")


def host_network(view: PodView, added: list[Added]) -> Iterator[Finding]:
    """With hostNetwork the ports are those of the node."""
    if view.data.get("hostNetwork") is not True:
        return
    for one in added:
        if found := sorted(listening_ports(one.container)):
            listed = ", ".join(map(str, found))
            message = f"with hostNetwork the agent {one.agent} listens on ports of the node ({listed})"
            message += ": a second such pod on the node fails; leave the pod out or move the ports"
            yield Finding(message, _node(view, "hostNetwork"))


def non_root(view: PodView, added: list[Added]) -> Iterator[Finding]:
    """The kubelet starts no container as root where runAsNonRoot holds."""
    pod = _section(view.data, "securityContext")
    for one in added:
        context = {**pod, **_section(one.container, "securityContext")}
        if context.get("runAsNonRoot") is True and context.get("runAsUser") == 0:
            message = f"runAsNonRoot holds, and the agent {one.agent} runs as user 0: the kubelet does not start it"
            yield Finding(f"{message}; set container.securityContext.runAsUser of the agent", _node(view, "securityContext"))


def pod_resources(view: PodView, added: list[Added]) -> Iterator[Finding]:
    """From 1.34 on a pod can have resources of its own, which must hold what its containers request together."""
    requests = _section(_section(view.data, "resources"), "requests")
    everybody = [*(data for _, data in view.containers), *(one.container for one in added)]
    for name, text in (("cpu", "cores"), ("memory", "GiB")):
        if name not in requests:
            continue
        try:
            limit, total = parse_quantity(requests[name]), requested(everybody, name)
        except ValueError:
            continue
        if total > limit:
            shown = total / (_CPU if name == "cpu" else GI)
            message = (
                f"with the agents the containers request {shown:g} {text} of {name}, more than the pod's own {requests[name]}"
            )
            yield Finding(
                f"{message}: the API server refuses it; raise resources.requests of the pod", _node(view, "resources")
            )


def grace_period(view: PodView, added: list[Added]) -> Iterator[Finding]:
    """An agent hands over what it holds after the application has ended, within the pod's grace period."""
    grace = view.data.get("terminationGracePeriodSeconds")
    if not isinstance(grace, int) or isinstance(grace, bool):
        return
    for one in added:
        sleep = _section(_section(_section(one.container, "lifecycle"), "preStop"), "sleep").get("seconds", 0)
        if grace <= (sleep if isinstance(sleep, int) else 0):
            message = f"terminationGracePeriodSeconds {grace} leaves the agent {one.agent} no time to hand over what it holds"
            yield Finding(f"{message}; raise it", _node(view, "terminationGracePeriodSeconds"))


def names(view: PodView, added: list[Added]) -> Iterator[Finding]:
    """A container's name is unique in the pod."""
    seen: dict[str, str] = {}
    for container in containers(view.pod):
        if container.name in seen:
            message = f'two containers have the name "{container.name}" (in {seen[container.name]} and {container.list_name})'
            yield Finding(f"{message}: the API server refuses the pod; rename one", container.node)
        if container.name:
            seen[container.name] = container.list_name


RULES: tuple[Callable[[PodView, list[Added]], Iterator[Finding]], ...] = (
    ports,
    host_network,
    non_root,
    pod_resources,
    grace_period,
    names,
)
