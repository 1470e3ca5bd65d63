"""A guard against a forgotten post-renderer: a policy that warns of workloads without the agents, or refuses them.

It judges a workload when it is created and when its pod template changes, so an update of anything else passes. Source:
https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/. Kyverno takes the same expressions.
"""

from sidecar_plugin.agents.agent import AgentLibrary
from sidecar_plugin.commands.export_policy import cel
from sidecar_plugin.commands.export_policy.agents import PolicyError
from sidecar_plugin.commands.export_policy.engine import Data
from sidecar_plugin.commands.export_policy.policy import selectors
from sidecar_plugin.injection.rendering import SAMPLE_WORKLOAD, Rendering, sample_pod
from sidecar_plugin.injection.selection import ANNOTATION_AGENTS, ANNOTATION_INJECT
from sidecar_plugin.kubernetes.image_names import repository
from sidecar_plugin.settings.settings import AgentSettings, Settings

_RESOURCES = {
    "": (("pods",), ("replicationcontrollers",)),
    "apps": (("deployments", "statefulsets", "daemonsets", "replicasets"),),
    "batch": (("jobs", "cronjobs"),),
}
_MIRROR = "kubernetes.io/config.mirror"
_TEMPLATE = (
    '{0}.kind == "Pod" ? dyn({0}) : {0}.kind == "CronJob" ? dyn({0}).spec.jobTemplate.spec.template : dyn({0}).spec.template'
)
_METADATA = """\
(object.kind == "Pod" ? [] : [variables.template.?metadata.orValue({})])
+ (object.kind == "CronJob" ? [dyn(object).spec.jobTemplate.?metadata.orValue({})] : [])
+ [dyn(object).metadata]"""
_CREATED = 'request.operation == "CREATE"'
_NEW = f"{_CREATED} || variables.old.spec != variables.template.spec"


def guard_spec(settings: Settings, library: AgentLibrary, opt_out: bool) -> Data:
    """Return the `spec` of the policy, without the namespaces that it spares and without its action.

    Without `opt_out` a workload cannot leave itself out by an annotation. Raises PolicyError where no agent is enabled, and
    SidecarPluginError as injection does.
    """
    enabled = {agent.name: agent for agent in settings.agents.values() if agent.enabled}
    if not enabled:
        raise PolicyError("no agent is enabled, so there is nothing that a guard could ask for")
    rendering = Rendering(settings, library)
    rendering.version("the guard")
    variables = {
        "template": _TEMPLATE.format("object"),
        "old": f"{_CREATED} ? dyn({{}}) : ({_TEMPLATE.format('oldObject')})",
        "metadata": _METADATA,
        "judged": f"({_NEW}) && ({_chosen(settings, opt_out)})",
    }
    return {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [_rule(group, row) for group, rows in _RESOURCES.items() for row in rows]},
        "matchConditions": [
            {"name": "made-by-no-other-workload", "expression": f"{cel.CONTROLLERS}.size() == 0"},
            {"name": "not-being-deleted", "expression": "!has(object.metadata.deletionTimestamp)"},
            {"name": "no-mirror-of-a-static-pod", "expression": f"!({cel.POD.has('annotations', _MIRROR)})"},
        ],
        "variables": [{"name": key, "expression": expression} for key, expression in variables.items()],
        "validations": [_validation(settings, agent, rendering, opt_out) for agent in enabled.values()],
    }


def _rule(group: str, resources: tuple[str, ...]) -> Data:
    operations = ["CREATE"] if resources == ("pods",) else ["CREATE", "UPDATE"]  # the containers of a pod do not change
    return {"apiGroups": [group], "apiVersions": ["v1"], "operations": operations, "resources": list(resources)}


def _annotation(key: str) -> str:
    there = cel.WORKLOAD.has("annotations", key)
    return f'({there} ? {cel.WORKLOAD.value("annotations", key)} : "")'


def _chosen(settings: Settings, opt_out: bool) -> str:
    """Return what is true of the workloads that injection gives agents."""
    excluded = cel.any_of(selectors(settings, settings.exclude, ["exclude"], cel.WORKLOAD), "false")
    targeted = cel.any_of(selectors(settings, settings.targets, ["targets"], cel.WORKLOAD), "true")
    by_settings = f"!({excluded}) && ({targeted})"
    if not opt_out:
        return by_settings
    inject = _annotation(ANNOTATION_INJECT)
    return f'{inject} != "false" && ({inject} == "true" || ({by_settings}))'


def _validation(settings: Settings, agent: AgentSettings, rendering: Rendering, opt_out: bool) -> Data:
    pod = sample_pod("guard", SAMPLE_WORKLOAD)
    declaration, _ = rendering.declaration(pod.kind, False, "the guard")
    parts = rendering.parts(pod, agent, rendering.context(declaration))
    container = rendering.container(agent, parts, declaration, pod)
    wanted = cel.any_of(selectors(settings, agent.targets, ["agents", agent.name, "targets"], cel.WORKLOAD), "true")
    if opt_out:
        listed = f"{_annotation(ANNOTATION_AGENTS)}.split(',').exists(n, n.trim() == {cel.text(agent.name)})"
        wanted = f"{cel.WORKLOAD.has('annotations', ANNOTATION_AGENTS)} ? {listed} : ({wanted})"
    there = cel.has_container("variables.template.spec", container["name"], repository(container["image"]))
    message = (
        f"sidecar-plugin: the pod template has no container {container['name']} of the agent {agent.name}; was the"
        " post-renderer left out? Render again with it (Helm 3: --post-renderer sidecar-plugin, Helm 4: sidecar)"
    )
    return {"expression": f"!variables.judged || !({wanted}) || {there}", "message": message}
