"""What an admission policy does to a pod, as variables and one JSON Patch in the Common Expression Language.

All operations are worked out on the pod as it came. The order of the agents is that of the settings, as in injection.
Source of JSONPatch: https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/#patch-type-json-patch.
"""

from collections.abc import Callable

from sidecar_plugin.commands.export_policy import cel
from sidecar_plugin.commands.export_policy.agents import NAME, NAMESPACE, Addition, PolicyAgents
from sidecar_plugin.commands.export_policy.marker import marker, more
from sidecar_plugin.injection.marker import INJECTED
from sidecar_plugin.injection.selection import ANNOTATION_AGENTS

ANNOTATIONS = "object.metadata.?annotations.orValue({})"
_HOLES = {NAME: "variables.podName", NAMESPACE: "request.namespace"}
_POD_NAME = 'object.metadata.?name.orValue("") != "" ? object.metadata.name : object.metadata.?generateName.orValue("")'


def annotation(key: str) -> str:
    """Return the value of a pod's annotation, "" if it has none."""
    return f'object.metadata.?annotations[?{cel.text(key)}].orValue("")'


def names_listed() -> str:
    """Return the agents that a pod's annotation names."""
    return f"{annotation(ANNOTATION_AGENTS)}.split(',').map(n, n.trim())"


def _variable(agent: str) -> str:
    return f"agent_{agent.replace('-', '_')}"


def _on(agents: list[str], everybody: int) -> str:
    """Return what is true when one of the agents is put into the pod."""
    if len(agents) == everybody:
        return "variables.injects"
    return cel.any_of([f"variables.{_variable(agent)}" for agent in agents], "false")


def variables(chosen: dict[str, str], added: PolicyAgents) -> dict[str, str]:
    """Return the policy's variables; `chosen` is for each agent what is true of the pods that its targets mean."""
    found: dict[str, str] = {}
    for name in added.agents:
        there = f"{cel.text(ANNOTATION_AGENTS)} in {ANNOTATIONS}"
        found[_variable(name)] = f"{there} ? {names_listed()}.exists(n, n == {cel.text(name)}) : ({chosen[name]})"
    found["injects"] = cel.any_of([f"variables.{_variable(name)}" for name in added.agents], "false")
    if any(word in repr(added.additions) for word in _HOLES):
        found["podName"] = _POD_NAME
    for path in ("containers.env", "containers.volumeMounts"):
        found[path.partition(".")[2]] = _items([one for one in added.additions if one.path == path], len(added.agents))
    for index, key in enumerate(added.listed_in):
        found[more(index)] = _more(key, added)
    found["marker"] = marker(added, _on_agents(added), missing)
    return {key: expression for key, expression in found.items() if expression}


def _items(additions: list[Addition], everybody: int) -> str:
    """Return a list of the items that are wanted."""
    return "\n+ ".join(f"({_on(one.agents, everybody)} ? [dyn({cel.literal(one.value, _HOLES)})] : [])" for one in additions)


def _more(key: str, added: PolicyAgents) -> str:
    """Return what is written behind an annotation's value: the containers that it does not list."""
    wanted = "\n+ ".join(
        f"(variables.{_variable(agent)} ? [{cel.text(container)}] : [])" for agent, container in added.containers.items()
    )
    there = f"{annotation(key)}.split(',').map(n, n.trim()).filter(n, n != '')"
    new = f"({wanted}).filter(n, !(n in {there}))"
    return f"{new}.size() == 0 ? '' : ({there}.size() == 0 ? '' : ',') + {new}.join(',')"


def _on_agents(added: PolicyAgents) -> Callable[[list[str]], str]:
    return lambda agents: _on(agents, len(added.agents))


# --- the operations


def operations(added: PolicyAgents) -> str:
    """Return the expression of the JSON Patch."""
    everybody = len(added.agents)
    steps = []
    for kind in ("annotations", "labels"):
        strings = [one for one in added.additions if one.path == f"metadata.{kind}"]
        if strings or kind == "annotations":
            steps.append(_create(f"metadata.{kind}", "variables.injects", "{}"))
        steps += [_add(one.path, cel.text(one.key), cel.text(one.value, _HOLES), _on(one.agents, everybody)) for one in strings]
    for index, key in enumerate(added.listed_in):
        value = f"{annotation(key)} + variables.{more(index)}"
        steps.append(_add("metadata.annotations", cel.text(key), value, "variables.injects"))
    steps.append(_add("metadata.annotations", cel.text(INJECTED), "variables.marker", "variables.injects"))
    steps += [
        _application_operations(key)
        for key in ("env", "volumeMounts")
        if any(one.path == f"containers.{key}" for one in added.additions)
    ]
    for path in dict.fromkeys(one.path for one in added.additions if one.path.startswith("spec.")):
        ours = [one for one in added.additions if one.path == path]
        if path != "spec.containers":
            wanted = dict.fromkeys(agent for one in ours for agent in one.agents)
            steps.append(_create(path, _on(list(wanted), everybody), "[]"))
        # in front: from the last to the first, so that they end in their order
        for one in [*(one for one in ours if not one.first), *reversed([one for one in ours if one.first])]:
            where = "0" if one.first else "-"
            value = cel.literal(one.value, _HOLES)
            steps.append(
                f'({_on(one.agents, everybody)} ? [JSONPatch{{op: "add", path: {cel.text(_pointer(path) + "/" + where)}, '
                f"value: {value}}}] : [])"
            )
    return "\n+ ".join(steps)


def _pointer(path: str) -> str:
    return "/" + path.replace(".", "/")


def _create(path: str, condition: str, empty: str) -> str:
    operation = f'JSONPatch{{op: "add", path: {cel.text(_pointer(path))}, value: {empty}}}'
    return f"({condition} && !has(object.{path}) ? [{operation}] : [])"


def _add(path: str, key: str, value: str, condition: str) -> str:
    where = f"{cel.text(_pointer(path) + '/')} + jsonpatch.escapeKey({key})"
    return f'({condition} ? [JSONPatch{{op: "add", path: {where}, value: {value}}}] : [])'


def missing(key: str, container: str) -> str:
    """Return the items for an application's container that it has not: a variable of its own wins, a mount may be shared."""
    same = "x.name == e.name" if key == "env" else "x.mountPath == e.mountPath && x.name == e.name"
    return f"variables.{key}.filter(e, !{container}.?{key}.orValue([]).exists(x, {same}))"


def _application_operations(key: str) -> str:
    names = "object.spec.containers.map(x, x.name)"
    path = f'"/spec/containers/" + string({names}.indexOf(c.name)) + "/{key}"'
    there = f"dyn(c.?{key}.orValue([]))"
    return (
        f"object.spec.containers.filter(c, variables.injects && {missing(key, 'c')}.size() > 0)"
        f'.map(c, JSONPatch{{op: "add", path: {path}, value: {there} + dyn({missing(key, "c")})}})'
    )
