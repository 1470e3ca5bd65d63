"""Which agents a pod gets, and with which values: by the settings' switches and selectors, and by annotations, which win."""

from collections.abc import Callable
from functools import partial
from typing import Any

from sidecar_plugin.agents.agent import TEMPLATE, Agent, AgentFolder, AgentLibrary, ValuesError
from sidecar_plugin.agents.parts import Parts
from sidecar_plugin.agents.reads import Read
from sidecar_plugin.errors import ManifestError, Place, SettingsError, did_you_mean
from sidecar_plugin.injection.marker import INJECTED
from sidecar_plugin.kubernetes.pod_templates import PodTemplate, Skipped
from sidecar_plugin.kubernetes.selectors import Selector, parse_selector
from sidecar_plugin.kubernetes.workload_data import workload_data
from sidecar_plugin.kubernetes.workload_kinds import TABLE
from sidecar_plugin.settings.settings import PRESET, RESERVED, AgentSettings, Settings
from sidecar_plugin.yamledit.access import effective_pair, lookup, scalar_text
from sidecar_plugin.yamledit.construct import DataError, to_data
from sidecar_plugin.yamledit.documents import Document
from sidecar_plugin.yamledit.nodes import Mapping, Scalar, follow, kind_of
from sidecar_plugin.yamledit.source import Source

PREFIX = "sidecar-plugin.dev/"
ANNOTATION_INJECT = f"{PREFIX}inject"
ANNOTATION_AGENTS = f"{PREFIX}agents"
ANNOTATION_VALUES = f"{PREFIX}values."
_ANNOTATIONS = (ANNOTATION_INJECT, ANNOTATION_AGENTS, INJECTED)


class PodAgents:
    """Chooses and renders agents by one set of settings; an agent is compiled once."""

    __slots__ = ("_agent_targets", "_agents", "_exclude", "_library", "_settings", "_targets")

    def __init__(self, settings: Settings, library: AgentLibrary) -> None:
        """Raise SettingsError for an agent that does not exist and for a selector that cannot be read."""
        self._settings = settings
        self._library = library
        self._agents: dict[str, Agent] = {}
        self._targets = self._selectors(settings.targets, ["targets"])
        self._exclude = self._selectors(settings.exclude, ["exclude"])
        self._agent_targets = {
            name: self._selectors(agent.targets, ["agents", name, "targets"])
            for name, agent in settings.agents.items()
            if agent.targets
        }
        for name, agent in settings.agents.items():
            if agent.template is None and (hint := self._unknown(name)):
                keys = [key for key in agent.values if did_you_mean(key, ["template"])]
                meant = f'; did you mean "template" by its key "{keys[0]}"?' if keys else ""
                message = f'there is no agent "{name}"{hint}{meant} (an agent of your own needs a template or --templates)'
                raise settings.error(message, ["agents", name])
            self._check_values(agent)

    def _unknown(self, name: str) -> str:
        """Return a hint at the agents there are if there is none of that name, else nothing."""
        own = [other for other, agent in self._settings.agents.items() if agent.template is not None]
        known = [*self._library.names(), *own]
        return "" if name in known else did_you_mean(name, known) or f"; there are {', '.join(known)}"

    def for_pod(self, pod: PodTemplate) -> tuple[list[AgentSettings], str]:
        """Return the agents for a pod, or why there are none. Raises SettingsError for annotations that make no sense."""
        self._check_annotations(pod)
        inject = pod.annotations.get(ANNOTATION_INJECT)
        if inject not in (None, "true", "false"):
            message = f'must be "true" or "false", but is "{inject}"'
            raise SettingsError(message, _annotation_place(pod, ANNOTATION_INJECT), ANNOTATION_INJECT)
        if inject == "false":
            return [], f'annotation {ANNOTATION_INJECT}: "false"'
        if inject is None:
            if any(selector.matches(pod) for selector in self._exclude):
                return [], "excluded"
            if self._targets and not any(selector.matches(pod) for selector in self._targets):
                return [], "not among the targets"
        listed = pod.annotations.get(ANNOTATION_AGENTS)
        if listed is not None:
            chosen = [self._listed(pod, name.strip()) for name in listed.split(",") if name.strip()]
            order = list(self._settings.agents)
            chosen.sort(key=lambda agent: order.index(agent.name) if agent.name in order else len(order))
            return chosen, f"annotation {ANNOTATION_AGENTS} names none"
        enabled = [agent for agent in self._settings.agents.values() if agent.enabled]
        chosen = [
            agent
            for agent in enabled
            if agent.name not in self._agent_targets
            or any(selector.matches(pod) for selector in self._agent_targets[agent.name])
        ]
        return chosen, "no agent is for this workload" if enabled else "no agent is enabled"

    def is_built_in(self, agent: AgentSettings) -> bool:
        """Say whether an agent is one of the program's own."""
        return agent.template is None and _folder(agent, self._library).is_built_in

    def concerns(self, skipped: Skipped) -> bool:
        """Say whether the settings ask for agents in a workload that cannot get any."""
        if not any(agent.enabled for agent in self._settings.agents.values()):
            return False
        if skipped.annotations.get(ANNOTATION_INJECT) == "false" or any(one.matches(skipped) for one in self._exclude):
            return False
        return not self._targets or any(one.matches(skipped) for one in self._targets)

    def _check_annotations(self, pod: PodTemplate) -> None:
        _check_text(pod)
        for key in pod.annotations:
            if not key.startswith(PREFIX) or key in _ANNOTATIONS:
                continue
            if not key.startswith(ANNOTATION_VALUES):
                known = did_you_mean(key, [*_ANNOTATIONS, ANNOTATION_VALUES]) or f"; known here: {', '.join(_ANNOTATIONS)}"
                raise SettingsError(f'there is no annotation "{key}"{known}', _annotation_place(pod, key), key)
            name = key.removeprefix(ANNOTATION_VALUES)
            if name not in self._settings.agents and (hint := self._unknown(name)):
                raise SettingsError(f'there is no agent "{name}"{hint}', _annotation_place(pod, key), key)

    def _listed(self, pod: PodTemplate, name: str) -> AgentSettings:
        if name in self._settings.agents:
            return self._settings.agents[name]
        if hint := self._unknown(name):
            place = _annotation_place(pod, ANNOTATION_AGENTS)
            raise SettingsError(f'there is no agent "{name}"{hint}', place, ANNOTATION_AGENTS)
        return AgentSettings(name, True, None, [], None, {}, {})

    def _selectors(self, raw: list[dict[str, Any]], path: list[str | int]) -> list[Selector]:
        selectors = []
        kinds = [*dict.fromkeys(row.kind for row in TABLE), *(custom["kind"] for custom in self._settings.workloads)]
        for index, data in enumerate(raw):
            for position, kind in enumerate(data.get("kinds", ())):
                if kind not in kinds and not set("*?[").intersection(kind):
                    near = did_you_mean(kind, kinds)
                    if path == ["exclude"] and not near:
                        continue  # a kind that is not known is reported, and this is how to silence that
                    hint = near or "; if there is one, name it under workloads"
                    message = f'there is no workload kind "{kind}"{hint}'
                    raise self._settings.error(message, [*path, index, "kinds", position])
            try:
                selectors.append(parse_selector(data))
            except SettingsError as error:
                raise self._settings.error(error.message, [*path, index, error.field]) from None
        return selectors

    def _agent(self, settings: AgentSettings) -> Agent:
        agent = self._agents.get(settings.name)
        if agent is None:
            agent = self._agents[settings.name] = Agent(_folder(settings, self._library))
        return agent

    def _check_values(self, settings: AgentSettings) -> None:
        """Raise SettingsError for a value that the agent does not take, switched on or not."""
        try:
            self._agent(settings).check(settings.values)
        except ValuesError as error:
            problem = error.problem
            path = ["agents", settings.name, *problem.path]
            raise self._settings.error(problem.message, [*path, problem.key] if problem.key else path) from None

    def parts(
        self,
        pod: PodTemplate,
        settings: AgentSettings,
        context: dict[str, Any],
        workload: Callable[[], dict[str, Any]] | None = None,
        seen: set[Read] | None = None,
    ) -> Parts:
        """Return what an agent adds to a pod: rendered with the settings' values and those of the pod's annotations;
        `context` is what templates see beside values and workload, `workload` what they see of that, if not the pod itself;
        add to `seen` what they read of it.

        Raises SettingsError for annotated values that the agent does not take, and TemplateError.
        """
        own = self._annotated_values(pod, settings.name)
        try:
            data = workload or partial(workload_data, pod)
            overrides = (*self._for_all(settings), settings.values, *own)
            return self._agent(settings).render(overrides, context, data, seen)
        except ValuesError as error:
            key, problem = ANNOTATION_VALUES + settings.name, error.problem
            field = ".".join(map(str, [*problem.path, problem.key] if problem.key else problem.path))
            place = _annotation_place(pod, key)
            raise SettingsError(problem.message, place, f"{key}: {field}" if field else key) from None

    def _for_all(self, settings: AgentSettings) -> list[dict[str, Any]]:
        """Return the values that the settings for all agents give this one."""
        preset = self._settings.resources_preset
        return [{PRESET: preset}] if preset and self._agent(settings).has_resources else []

    def unsized(self, settings: AgentSettings) -> str:
        """Return what to say of an agent that the preset for all agents does nothing for, else ""."""
        preset = self._settings.resources_preset
        if not preset or PRESET in settings.values or self._agent(settings).has_resources:
            return ""
        message = f"{PRESET}: {preset} has no effect on the agent {settings.name}, whose values name no resources"
        return f"{message}; set agents.{settings.name}.container.resources, and {PRESET}: null there"

    def _annotated_values(self, pod: PodTemplate, name: str) -> list[dict[str, Any]]:
        key = ANNOTATION_VALUES + name
        if key not in pod.annotations:
            return []
        found = []
        for metadata in pod.metadata_nodes:
            annotations = metadata.get("annotations")
            text = scalar_text(annotations, key) if annotations else None
            if text is not None:
                found.append(self._annotation_data(pod, key, text))
        return found

    def _annotation_data(self, pod: PodTemplate, key: str, text: str) -> dict[str, Any]:
        try:
            root = Document(Source(key, text), 0, len(text)).parse().root
            data = to_data(root) if root is not None else {}
        except (ManifestError, DataError) as error:
            raise SettingsError(f"not YAML or JSON: {error.message}", _annotation_place(pod, key), key) from None
        if not isinstance(data, dict):
            raise SettingsError("must be a mapping of values", _annotation_place(pod, key), key)
        reserved = sorted(RESERVED.intersection(data))
        if reserved:
            message = f'"{reserved[0]}" is no value of the template; set it in the settings'
            raise SettingsError(message, _annotation_place(pod, key), key)
        ordered: dict[str, Any] = _in_order(data)
        return ordered


def _in_order(data: Any) -> Any:
    """Return data with the keys of all maps sorted: pods whose annotations mean the same get the same text."""
    if isinstance(data, dict):
        return {key: _in_order(data[key]) for key in sorted(data)}
    return list(map(_in_order, data)) if isinstance(data, list) else data


def _check_text(pod: PodTemplate) -> None:
    """Raise SettingsError for an annotation of ours whose value is a map or a list: annotations are text in Kubernetes."""
    for metadata in pod.metadata_nodes:
        pair = effective_pair(metadata, "annotations")
        annotations = follow(pair[1]) if pair else None
        for key, value in annotations.pairs if isinstance(annotations, Mapping) else ():
            if key.value.startswith(PREFIX) and not isinstance(follow(value), Scalar):
                message = f"must be text, but is {kind_of(value)}; write its value as a block of text, behind |"
                raise SettingsError(message, pod.document.place(value.start), key.value)


def _annotation_place(pod: PodTemplate, key: str) -> Place:
    offset = pod.offset
    for metadata in pod.metadata_nodes:
        node, found = lookup(metadata, ["annotations", key])
        if found:
            offset = node.start
    return pod.document.place(offset)


def _folder(settings: AgentSettings, library: AgentLibrary) -> AgentFolder:
    text = settings.template
    if text is not None:
        return AgentFolder(settings.name, f"agents.{settings.name}.template", text, lambda: {TEMPLATE: text}, is_inline=True)
    folder = library.folder(settings.name)
    assert folder is not None  # Injector.__init__ has looked
    return folder
