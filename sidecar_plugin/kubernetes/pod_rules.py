"""The rules about a pod as a whole: what its containers cannot share, and what the pod does not leave them.

`inject` holds a pod with its new agents against them, `check` a pod as it is written. Each rule is a function from a view of
the pod to problems; `RULES` lists them by the name that `check` gives them.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from sidecar_plugin.kubernetes.containers import Container, containers, listening_ports, of_one_name
from sidecar_plugin.kubernetes.pod_templates import PodTemplate
from sidecar_plugin.kubernetes.quantities import UNITS, parse_quantity, requested
from sidecar_plugin.yamledit.access import effective_pair, items_at, scalar_text, value_at
from sidecar_plugin.yamledit.construct import DataError, to_data
from sidecar_plugin.yamledit.nodes import Mapping, Node, Scalar, follow

Data = dict[str, Any]
DEFAULT_GRACE_SECONDS = 30  # https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination
_POD_KEYS = ("hostNetwork", "securityContext", "resources", "terminationGracePeriodSeconds")
_CONTAINER_KEYS = (
    "name", "restartPolicy", "ports", "livenessProbe", "readinessProbe", "startupProbe", "resources", "securityContext",
    "lifecycle",
)  # fmt: skip


class Running(NamedTuple):
    """A container that runs as long as the pod does: a regular one or a native sidecar.

    `who` is what a message calls it. `node` is where it is written and `field` its path in the document; an agent that is about
    to be added has the pod's. `is_agent` says that it is a sidecar: for `inject`, one that the run adds. `grace_seconds` is
    what an agent says it needs to end.
    """

    who: str
    name: str
    data: Data
    node: Mapping
    field: str
    is_agent: bool
    grace_seconds: int = 0


class PodView(NamedTuple):
    """A pod as the rules read it: `data` is of its spec, `running` holds the containers that run in it together."""

    pod: PodTemplate
    data: Data
    running: list[Running]


class Problem(NamedTuple):
    """What is wrong: a node and its field path, the message, and how to mend it.

    `of_agents` says that it would not be so without the agents.
    """

    node: Node
    field: str
    message: str
    remedy: str
    of_agents: bool = True

    def __str__(self) -> str:
        return f"{self.message}; {self.remedy}"


Rule = Callable[[PodView], Iterator[Problem]]


def view_of(pod: PodTemplate, sidecars: Iterable[Container] = (), added: Iterable[Running] = ()) -> PodView | None:
    """Return a pod as the rules read it: its containers, of which some are `sidecars`, and those that are to be `added`.

    None for a pod that is no plain data, such as one with a YAML tag of its own.
    """
    agents = {id(container.node) for container in sidecars}
    try:
        data = _data(pod.spec, _POD_KEYS)
        own = [(container, _data(container.node, _CONTAINER_KEYS)) for container in containers(pod)]
    except DataError:
        return None
    running = [
        Running(
            f'the container "{one.name}"' if one.name else "the container",
            one.name,
            each,
            one.node,
            one.field(pod),
            id(one.node) in agents,
        )
        for one, each in own
        if one.list_name == "containers" or each.get("restartPolicy") == "Always"
    ]
    return PodView(pod, data, [*running, *added])


def to_be_added(pod: PodTemplate, agent: str, container: Data, grace_seconds: int) -> Running:
    """Return the container of an agent that `inject` is about to add to the pod."""
    return Running(f"the agent {agent}", agent, container, pod.spec, f"{pod.path}spec", True, grace_seconds)


def ports(view: PodView) -> Iterator[Problem]:
    """All containers of a pod share one network (https://kubernetes.io/docs/concepts/workloads/pods/#pod-networking)."""
    taken: dict[tuple[int, str], Running] = {}
    for one in view.running:
        for port in sorted(listening_ports(one.data)):
            other = taken.setdefault(port, one)
            if other is not one:
                number, protocol = port
                message = f"{one.who} and {other.who} both listen on port {number}/{protocol}, and a pod has one network"
                writer = other if one.node is view.pod.spec else one  # an agent that is not written yet has no place of its own
                yield Problem(
                    _port_node(writer, number),
                    f"{writer.field}.ports",
                    f"{message}: the second fails to start",
                    "give one of them another port",
                    one.is_agent or other.is_agent,
                )


def _port_node(one: Running, number: int) -> Node:
    """Return the node of a port that a container declares, else that of the container."""
    for item in items_at(one.node, "ports"):
        port = value_at(item, "containerPort")
        if isinstance(port, Scalar) and port.value == str(number):
            return port
    return one.node


def host_network(view: PodView) -> Iterator[Problem]:
    """With hostNetwork the ports are those of the node."""
    if view.data.get("hostNetwork") is not True:
        return
    for one in view.running:
        if one.is_agent and (found := sorted({number for number, _ in listening_ports(one.data)})):
            message = f"with hostNetwork {one.who} listens on ports of the node ({', '.join(map(str, found))})"
            remedy = "leave the pod out or give the ports other numbers"
            yield _at(view, "hostNetwork", f"{message}: a second such pod on the node fails", remedy)


def non_root(view: PodView) -> Iterator[Problem]:
    """The kubelet starts no container as root where runAsNonRoot holds
    (https://kubernetes.io/docs/tasks/configure-pod-container/security-context/)."""
    pod = _section(view.data, "securityContext")
    for one in view.running:
        context = {**pod, **_section(one.data, "securityContext")}
        if context.get("runAsNonRoot") is True and context.get("runAsUser") == 0:
            message = f"runAsNonRoot holds, and {one.who} runs as user 0: the kubelet does not start it"
            remedy = "set container.securityContext.runAsUser of the agent" if one.is_agent else "set runAsUser to another user"
            yield _at(view, "securityContext", message, remedy, one)


def pod_resources(view: PodView) -> Iterator[Problem]:
    """From 1.34 on a pod can have resources of its own, which must hold what its containers request together
    (https://kubernetes.io/docs/concepts/workloads/pods/pod-level-resources/)."""
    requests = _section(_section(view.data, "resources"), "requests")
    for name in ("cpu", "memory"):
        if name not in requests:
            continue
        try:
            limit = parse_quantity(requests[name])
            total = requested([one.data for one in view.running], name)
            without = requested([one.data for one in view.running if not one.is_agent], name)
        except ValueError:
            continue
        if total > limit:
            unit, text = UNITS[name]
            shown = f"{total / unit:g} {text} of {name}"
            who = "with the agents the containers" if without <= limit else "the containers"
            message = f"{who} request {shown}, more than the pod's own {requests[name]}: the API server refuses it"
            found = _at(view, "resources", message, "raise resources.requests of the pod")
            yield found._replace(of_agents=without < total)


def grace_period(view: PodView) -> Iterator[Problem]:
    """A container that needs longer to end than the pod's grace period is killed
    (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination)."""
    grace = view.data.get("terminationGracePeriodSeconds", DEFAULT_GRACE_SECONDS)
    if not isinstance(grace, int) or isinstance(grace, bool):
        return
    for one in view.running:
        sleep = _section(_section(_section(one.data, "lifecycle"), "preStop"), "sleep").get("seconds", 0)
        sleep = sleep if isinstance(sleep, int) and not isinstance(sleep, bool) else 0
        outcome = "it is killed"
        if sleep > grace:
            message = f"terminationGracePeriodSeconds {grace} is less than the preStop of {one.who}, {sleep} seconds"
            outcome = "the API server refuses the pod"
        elif grace < one.grace_seconds:
            message = f"{one.who} needs {one.grace_seconds} seconds to end, and terminationGracePeriodSeconds is {grace}"
        elif sleep and grace <= sleep:
            message = f"terminationGracePeriodSeconds {grace} ends within the preStop of {one.who}, {sleep} seconds"
        elif one.is_agent and grace == 0:
            message = f"terminationGracePeriodSeconds 0 leaves {one.who} no time to hand over what it holds"
        else:
            continue
        remedy = "raise it, or let the agent end sooner" if one.is_agent else "raise it"
        yield _at(view, "terminationGracePeriodSeconds", f"{message}: {outcome}", remedy, one)


def names(view: PodView) -> Iterator[Problem]:
    """A container's name is unique in the pod, over both lists."""
    for first, second in of_one_name(view.pod):
        message = f'two containers have the name "{second.name}" (in {first.list_name} and {second.list_name})'
        yield Problem(second.node, second.field(view.pod), f"{message}: the API server refuses the pod", "rename one")


RULES: dict[str, Rule] = {
    "port-clash": ports,
    "agent-on-host-network": host_network,
    "root-where-non-root-holds": non_root,
    "pod-resources-too-small": pod_resources,
    "grace-period-too-short": grace_period,
    "one-name-twice": names,
}


def problems(view: PodView) -> Iterator[Problem]:
    """Yield what does not go with the agents of a pod."""
    for rule in RULES.values():
        yield from (problem for problem in rule(view) if problem.of_agents)


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


def _section(data: Data, key: str) -> Data:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def _at(view: PodView, key: str, message: str, remedy: str, one: Running | None = None) -> Problem:
    """Return a finding at a field of the pod spec, or at the spec without it; it is of the agents if `one` is an agent."""
    pair = effective_pair(view.pod.spec, key)
    node = pair[0] if pair else view.pod.spec
    return Problem(node, f"{view.pod.path}spec.{key}", message, remedy, one is None or one.is_agent)
