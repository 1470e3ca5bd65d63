"""What the agents of one set of settings do to one pod, and what is reported of it."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from sidecar_plugin.agents.parts import Parts
from sidecar_plugin.errors import DeclarationError, Place, TemplateError, VersionError
from sidecar_plugin.injection import own_resources
from sidecar_plugin.injection.additions import PodAdditions
from sidecar_plugin.injection.marker import INJECTED
from sidecar_plugin.injection.pod_metadata import agents_clash
from sidecar_plugin.injection.removed import Names, Removed
from sidecar_plugin.injection.rendering import Rendering
from sidecar_plugin.injection.service_ports import ServicePorts
from sidecar_plugin.injection.target_ports import AgentPort
from sidecar_plugin.kubernetes import pod_rules
from sidecar_plugin.kubernetes.declarations.protocol import Declaration
from sidecar_plugin.kubernetes.pod_rules import is_windows, to_be_added
from sidecar_plugin.kubernetes.pod_templates import PodTemplate, Skipped, runs_to_completion
from sidecar_plugin.kubernetes.workload_data import workload_data
from sidecar_plugin.runtime.report import InjectedAgent, Outcome, Results
from sidecar_plugin.settings.settings import AgentSettings, Settings
from sidecar_plugin.yamledit.documents import Document

if TYPE_CHECKING:
    from sidecar_plugin.kubernetes.stream_rules import StreamRules


class Around(NamedTuple):
    """What is around a pod in its stream: the rules of objects about pods, and the Services; None where nothing is."""

    rules: "StreamRules | None"
    services: ServicePorts | None


class PodInjection:
    """Gathers the additions to pods by one set of settings, and reports each workload."""

    __slots__ = ("_foreign_version", "_rendering", "_results", "_settings")

    def __init__(self, settings: Settings, rendering: Rendering, results: Results) -> None:
        self._settings = settings
        self._rendering = rendering
        self._results = results
        self._foreign_version = settings.foreign_version()

    def skip(self, skipped: Skipped) -> None:
        """Report a workload that cannot get agents; one of an unknown kind only where the settings ask for agents in it."""
        locate = partial(skipped.document.place, skipped.offset)
        if skipped.is_unknown and not self._rendering.agents.concerns(skipped):
            return
        reason = skipped.reason if skipped.is_unknown else f"{skipped.reason}, nothing to inject into"
        self._results.warn(f"{skipped.kind}/{skipped.name}: {reason}", locate())
        outcome = Outcome(locate, skipped.kind, skipped.namespace, skipped.name, skipped=skipped.reason)
        self._results.outcomes.append(outcome)

    def additions(self, pod: PodTemplate, removed: Removed, around: Around) -> PodAdditions | None:
        """Return what the agents add to a pod, None if it gets none; report the workload either way."""
        agents, reason = self._rendering.agents.for_pod(pod)
        if agents and is_windows(pod):
            agents, reason = self._for_windows(pod, agents)
        gone = tuple(name for name in dict.fromkeys(removed.agents) if name not in {agent.name for agent in agents})
        if not agents:
            self._report(pod, (), gone, skipped=reason, note=removed.note(removed.parts), parts=removed.parts)
            self._warn_of_containers(
                f"{pod.kind}/{pod.name}", removed.unclaimed(removed.parts), partial(pod.document.place, pod.offset)
            )
            if around.services:
                around.services.see(pod, {}, {})
            return None
        declaration = self._declaration(pod)
        additions = PodAdditions(pod, self._results)
        context = self._rendering.context(declaration)
        added = []
        agent_notes: list[tuple[str, str]] = []
        taken: dict[int, AgentPort] = {}
        labels: dict[str, str] = {}
        for agent in agents:
            parts, container = self._parts(pod, agent, context, declaration)
            self._check_platform(pod, agent.name, container, parts)
            additions.add(agent.name, declaration, agent.position or declaration.position, container, parts)
            added.append(to_be_added(pod, agent.name, container, parts.grace_seconds))
            agent_notes += [(agent.name, note) for note in parts.notes]
            labels |= parts.pod_labels
            for number, name in parts.service_ports.items():
                if number in taken:
                    raise agents_clash(pod, agent.name, taken[number].agent, f"the Services of port {number}")
                taken[number] = AgentPort(agent.name, name)
        additions.check_mounts()
        if view := pod_rules.view_of(pod, added=added):
            found = list(pod_rules.problems(view))
            found += [problem for _, problem in around.rules.problems(view) if problem.of_agents] if around.rules else []
            for problem in found:
                self._results.warn(f"{pod.kind}/{pod.name}: {problem}", pod.document.place(problem.node.start))
        if around.services:
            around.services.see(pod, taken, labels)
        self._warn_of_unknown(pod, gone)
        size_note = self._rendering.platform.size_note
        containers = [one.data for one in added]
        lost = removed.lost(additions.names() | additions.metadata.joined_names()) if removed.parts else {}
        self._warn_of_containers(f"{pod.kind}/{pod.name}", removed.unclaimed(lost), partial(pod.document.place, pod.offset))
        notes = [
            size_note(workload_data(pod)["containers"], containers) if size_note else "",
            additions.pull_secrets_note(),
            removed.note(lost),
        ]
        note = "; ".join(filter(None, notes))
        self._report(pod, tuple(additions.agents), gone, note=note, agent_notes=tuple(agent_notes), parts=lost)
        return additions

    def _for_windows(self, pod: PodTemplate, agents: list[AgentSettings]) -> tuple[list[AgentSettings], str]:
        """Return the agents that a pod on Windows gets, those of the user's own, and why it gets no others."""
        built_in = [agent.name for agent in agents if self._rendering.agents.is_built_in(agent)]
        others = [agent for agent in agents if agent.name not in built_in]
        reason = f"its node runs Windows, and the images of {', '.join(built_in)} are for Linux"
        messages = [f"{reason}: it does not get these agents"] if built_in else []
        messages += [f"its node runs Windows; the image of the agent {agent.name} must be for Windows too" for agent in others]
        for message in messages:
            self._results.warn(f"{pod.kind}/{pod.name}: {message}", pod.document.place(pod.offset))
        return others, reason

    def _report(
        self,
        pod: PodTemplate,
        agents: tuple[InjectedAgent, ...],
        removed: tuple[str, ...],
        skipped: str = "",
        note: str = "",
        agent_notes: tuple[tuple[str, str], ...] = (),
        parts: Names | None = None,
    ) -> None:
        locate = partial(pod.document.place, pod.offset)
        names = pod.kind, pod.namespace, pod.name
        outcome = Outcome(
            locate, *names, agents, removed, skipped, note, part=pod.part, agent_notes=agent_notes, parts=parts or {}
        )
        self._results.outcomes.append(outcome)

    def report_removed(self, document: Document, removed: Removed) -> None:
        """Report an object that no agents are added to, and from which something was removed."""
        outcome = removed.outcome(document, removed.parts)
        self._results.outcomes.append(outcome)
        self._warn_of_containers(f"{outcome.kind}/{outcome.name}", removed.unclaimed(removed.parts), outcome.locate)

    def _warn_of_containers(self, title: str, names: list[str], locate: Callable[[], Place]) -> None:
        """Warn of containers that the marker names no agent for and that no agent adds again."""
        if names:
            message = f"containers removed, which the annotation {INJECTED} lists and no agent adds: {', '.join(names)}"
            self._results.warn(f"{title}: {message}", locate())

    def _parts(
        self, pod: PodTemplate, agent: AgentSettings, context: dict[str, Any], declaration: Declaration
    ) -> tuple[Parts, dict[str, Any]]:
        """Return what an agent adds to a pod, and its declared container.

        Raises TemplateError at the workload, with the place in the template behind it.
        """
        if message := self._rendering.agents.unsized(agent):
            self._results.warn(message, None)
        try:
            parts = self._rendering.parts(pod, agent, context)
            container = self._rendering.container(agent, parts, declaration, pod)
        except TemplateError as error:
            raise TemplateError(f"{pod.kind}/{pod.name}: {error}", pod.document.place(pod.offset)) from None
        for message in self._rendering.unpinned(agent, [container, *parts.init_containers]):
            self._results.warn(message, None)
        if not parts.manifests:
            return parts, container
        if warning := own_resources.late_warning(pod, agent.name, parts.manifests):
            self._results.warn(f"{pod.kind}/{pod.name}: {warning}", pod.document.place(pod.offset))
        return own_resources.own(pod, parts, container)

    def _declaration(self, pod: PodTemplate) -> Declaration:
        name = f"{pod.kind}/{pod.name}"
        try:
            declaration, warning = self._rendering.declaration(pod.kind, runs_to_completion(pod), name)
        except VersionError as error:
            raise VersionError(error.message, pod.document.place(pod.offset)) from None
        except DeclarationError as error:
            raise DeclarationError(f"{name}: {error.message}", pod.document.place(pod.offset)) from None
        if message := self._foreign_version:
            if declaration.name == "acs" and self._settings.declaration == "auto" and runs_to_completion(pod):
                raise DeclarationError(f"{name} would never end: {message}", pod.document.place(pod.offset))
            self._results.warn(message, None)
        if warning:
            self._results.warn(f"{name}: {warning}", pod.document.place(pod.offset))
        return declaration

    def _warn_of_unknown(self, pod: PodTemplate, removed: tuple[str, ...]) -> None:
        """Warn of agents that were removed because these settings do not name them at all."""
        for name in removed:
            if name not in self._settings.agents:
                message = f"{pod.kind}/{pod.name}: the agent {name}, injected before, is not in these settings and was removed"
                self._results.warn(message, pod.document.place(pod.offset))

    def _check_platform(self, pod: PodTemplate, agent: str, container: dict[str, Any], parts: Parts) -> None:
        """Warn of what the platform does not support. Raises DeclarationError where the pod would not run."""
        platform = self._rendering.platform
        if not platform.rules:
            return
        for message, is_error in platform.findings(agent, container, parts.init_containers, parts.volumes):
            text, place = f"{pod.kind}/{pod.name}: {message}", pod.document.place(pod.offset)
            if is_error:
                raise DeclarationError(text, place)
            self._results.warn(text, place)
