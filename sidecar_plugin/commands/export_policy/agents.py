"""What the agents add to a pod that nobody has rendered: for an admission policy, which sees the pod only in the cluster.

An agent is rendered for a pod whose name and namespace are words that stand for the real ones; the words are found again in
what was rendered. What else a template takes from a workload (labels, annotations, the containers and their ports) is not
known, and a template that looks at it is found out.
"""

from typing import Any, NamedTuple

from sidecar_plugin.agents.agent import AgentLibrary
from sidecar_plugin.agents.parts import Parts
from sidecar_plugin.agents.reads import Read
from sidecar_plugin.errors import DeclarationError, SidecarPluginError, TemplateError
from sidecar_plugin.injection.additions import PodAdditions
from sidecar_plugin.injection.pod_contents import STDOUT
from sidecar_plugin.injection.positions import Data
from sidecar_plugin.injection.rendering import Rendering, sample_pod
from sidecar_plugin.kubernetes.declarations.protocol import Declaration
from sidecar_plugin.kubernetes.pod_templates import PodTemplate
from sidecar_plugin.runtime.report import Results
from sidecar_plugin.settings.settings import AgentSettings, Settings

NAME, NAMESPACE = "x1sidecarx1podx1namex1", "x1sidecarx1podx1namespacex1"
_OTHER = {NAME: "x2sidecarx2podx2namex2", NAMESPACE: "x2sidecarx2podx2namespacex2"}
_SAMPLE = (
    "apiVersion: v1\nkind: Pod\nmetadata: {name: sample}\nspec:\n  containers:\n  - {name: sidecar-plugin-sample, image: x}\n"
)
_UNKNOWN = ("labels", "annotations", "containers")


class PolicyError(SidecarPluginError):
    """Settings that a policy cannot carry out."""


class Addition(NamedTuple):
    """One thing to add: to the list or map at a field path, in front of (`first`) or behind what is there; for these agents."""

    path: str
    first: bool
    key: str
    value: Any
    agents: list[str]


class PolicyAgents(NamedTuple):
    """All that a policy adds. `listed_in` are annotations that list the agents' containers, `manifests` what agents bring."""

    declaration: Declaration
    agents: dict[str, AgentSettings]
    containers: dict[str, str]
    additions: list[Addition]
    listed_in: tuple[str, ...]
    manifests: list[tuple[str, Data]]


def policy_agents(settings: Settings, library: AgentLibrary, results: Results, bare: bool) -> PolicyAgents:
    """Return what the enabled agents add to a pod by a policy, as `pod_agents`; their manifests are a SettingsError."""
    added = pod_agents(settings, library, results, bare)
    for agent, manifest in added.manifests:
        message = (
            f"the agent {agent} brings {manifest['kind']}/{manifest['metadata']['name']}, and a policy cannot create resources"
        )
        message += "; have its configuration in an annotation (the built-in agents: configuration: inline)"
        raise settings.error(message, ["agents", agent])
    for agent in added.agents:
        if any(NAME in repr(addition.value) for addition in added.additions if agent in addition.agents):
            results.warn(
                f"the agent {agent} takes the pod's name; a pod that a controller makes gets its generateName there", None
            )
    return added


def pod_agents(settings: Settings, library: AgentLibrary, results: Results, bare: bool) -> PolicyAgents:
    """Return what the enabled agents add to a pod; its name and namespace are NAME and NAMESPACE there.

    `bare` takes a pod for one without labels, annotations and ports; else a template that looks at them is a SettingsError, at
    the agent. Raises PolicyError where no agent is enabled, and SidecarPluginError as injection does.
    """
    enabled = {name: agent for name, agent in settings.agents.items() if agent.enabled}
    rendering = Rendering(settings, library)
    if not enabled:
        raise PolicyError("no agent is enabled, so there is nothing that a policy could add")
    try:
        declaration, warning = rendering.declaration("pod", False, "the policy")
    except DeclarationError as error:
        raise PolicyError(error.message) from None
    if warning:
        results.warn(warning, None)
    pod = sample_pod("policy", _SAMPLE)
    together = PodAdditions(pod, results)  # finds what clashes between two agents
    merged: dict[tuple[str, str, str], Addition] = {}
    containers = {}
    manifests = []
    for name, agent in enabled.items():
        position = agent.position or declaration.position
        if not isinstance(position, str):
            message = "a policy cannot find the place beside another container; use first or last"
            raise settings.error(message, ["agents", name, "position"])
        if message := rendering.agents.unsized(agent):
            results.warn(message, None)
        try:
            parts, container = _rendered(rendering, pod, agent, declaration, results, bare)
            _check_platform(rendering, name, container, parts, results)
        except PolicyError as error:
            raise settings.error(error.message, ["agents", name]) from None
        for message in rendering.unpinned(agent, [container, *parts.init_containers]):
            results.warn(message, None)
        together.add(name, declaration, position, container, parts)
        alone = PodAdditions(pod, results)
        alone.add(name, declaration, position, container, parts)
        containers[name] = container["name"]
        manifests += [(name, manifest) for manifest in parts.manifests]
        if parts.service_ports:
            message = f"the agent {name} takes ports of Services, and what is written here changes pods alone"
            raise PolicyError(
                f"{message}; switch that off (the agent proxy: services: false), and name its ports in the Services"
            )
        for addition in _additions(name, alone):
            known = merged.setdefault((addition.path, addition.key, repr(addition.value)), addition)
            if name not in known.agents:
                known.agents.append(name)
    if any(isinstance(addition.value, dict) and _is_stdout(addition.value) for addition in merged.values()):
        message = (
            "a volume of medium Stdout is added; a pod that has one of its own then has two, which the platform does not take: "
            "a policy cannot share it as injection does"
        )
        results.warn(message, None)
    return PolicyAgents(declaration, enabled, containers, list(merged.values()), declaration.listed_in, manifests)


def _is_stdout(volume: Data) -> bool:
    return isinstance(volume.get("emptyDir"), dict) and volume["emptyDir"].get("medium") == STDOUT


def _rendered(
    rendering: Rendering,
    pod: PodTemplate,
    agent: AgentSettings,
    declaration: Declaration,
    results: Results,
    bare: bool,
) -> tuple[Parts, Data]:
    seen: set[str] = set()

    def render(name: str, namespace: str) -> Parts:
        data = {"kind": "Pod", "name": name, "namespace": namespace, "labels": {}, "annotations": {}, "containers": []}
        reads: set[Read] = set()
        try:
            return rendering.parts(pod, agent, rendering.context(declaration), lambda: data, reads)
        finally:
            seen.update(name for name in _UNKNOWN for read in reads if read.path[:1] in ((), (name,)))

    try:
        parts = render(NAME, NAMESPACE)
        other = render(_OTHER[NAME], _OTHER[NAMESPACE])
    except TemplateError as error:
        if seen and not bare:
            raise PolicyError(_looks_at(agent.name, seen)) from None
        raise error
    if seen and not bare:
        raise PolicyError(_looks_at(agent.name, seen))
    if seen:
        results.warn(f"{_looks_at(agent.name, seen, '')}; it is rendered for a pod that has none", None)
    if parts.with_init_containers and (parts.application_mounts or parts.application_env):
        message = f"the agent {agent.name} adds mounts or variables to init containers, which a policy does not do"
        raise PolicyError(f"{message}; leave out initContainers (the agent logging: sharedFolders.initContainers)")
    text = repr(parts)
    if text.replace(NAME, _OTHER[NAME]).replace(NAMESPACE, _OTHER[NAMESPACE]) != repr(other):
        message = "its template works the pod's name or namespace into something else, which a policy cannot"
        raise PolicyError(f"the agent {agent.name}: {message}; leave the name as it is, or leave the agent to rendering")
    return parts, rendering.container(agent, parts, declaration, pod)


def _looks_at(agent: str, seen: set[str], remedy: str = "; --bare renders it for a pod that has none") -> str:
    parts = " and ".join(word for word in _UNKNOWN if word in seen)
    return f"the agent {agent} takes the workload's {parts}, which a policy does not know{remedy}"


def _check_platform(rendering: Rendering, agent: str, container: Data, parts: Parts, results: Results) -> None:
    for message, is_error in rendering.platform.findings(agent, container, parts.init_containers, parts.volumes):
        if is_error:
            raise PolicyError(message)
        results.warn(message, None)


def _additions(agent: str, additions: PodAdditions) -> list[Addition]:
    found = []
    for name, listed in additions.lists().items():
        found += [Addition(f"spec.{name}", True, item["name"], item, [agent]) for item in listed.first]
        found += [Addition(f"spec.{name}", False, item["name"], item, [agent]) for item in listed.last]
    for _, lists in additions.application.lists():  # of the one container of the sample
        for name, items in lists.items():
            key = "mountPath" if name == "volumeMounts" else "name"
            found += [Addition(f"containers.{name}", False, item[key], item, [agent]) for item in items]
    listing = additions.metadata.listing
    for kind, strings in additions.metadata.strings().items():
        found += [
            Addition(f"metadata.{kind}", False, key, value, [agent]) for key, value in strings.items() if key not in listing
        ]
    return found
