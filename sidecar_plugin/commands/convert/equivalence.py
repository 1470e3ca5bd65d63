"""What of a conversion's result is not what was asked for: nothing, or it is refused."""

from sidecar_plugin.commands.convert.content_hash import Shapes
from sidecar_plugin.commands.convert.plan import PodPlan
from sidecar_plugin.injection.marker import marker_of
from sidecar_plugin.injection.sidecars import sidecars
from sidecar_plugin.kubernetes.containers import LISTS, containers
from sidecar_plugin.kubernetes.pod_templates import PodTemplate


def difference(shapes: Shapes, before: PodTemplate, after: PodTemplate, one: PodPlan) -> str:
    """Return what in the pod's lists is not as asked for, "" if all is."""
    variables = {change.sidecar.container.name: change.variables for change in one.changes}
    names = frozenset(variables)
    changed = {(change.sidecar.container.list_name, change.sidecar.container.place): change for change in one.changes}
    stay: dict[str, list[int]] = {list_name: [] for list_name in LISTS}
    wanted: list[tuple[str, str, int, str]] = []
    for container in containers(before):
        change = changed.get((container.list_name, container.place))
        if change is None:
            stay[container.list_name].append(shapes.of(container.node))
        else:
            wanted.append((change.target, container.name, shapes.container(container.node, change.variables), change.to))
    declared = {id(sidecar.container.node): sidecar.declaration for sidecar in sidecars(after, one.marker, names)}
    ours: list[tuple[str, str, int, str]] = []
    for container in containers(after):
        if container.name in names:
            declaration = declared.get(id(container.node), "")
            ours.append(
                (container.list_name, container.name, shapes.container(container.node, variables[container.name]), declaration)
            )
        elif not stay[container.list_name] or stay[container.list_name].pop(0) != shapes.of(container.node):
            return "another container would change"
    if any(stay.values()):
        return "another container would be lost"
    return "" if sorted(ours) == sorted(wanted) else "a sidecar would not be as asked for"


def ignored(pods: list[PodTemplate], plans: list[PodPlan]) -> frozenset[int]:
    """Return the nodes that are compared apart: the lists of containers, and the annotation."""
    nodes = set()
    for one in plans:
        pod = pods[one.number]
        nodes |= {id(pair[1]) for pair in map(pod.spec.pair, LISTS) if pair}
        found = marker_of(pod.document, pod.template)
        nodes |= {id(found[0])} if found else set()
    return frozenset(nodes)
