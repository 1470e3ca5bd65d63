"""Injection into a stream of manifests: text in, text out.

Each document is cut from the stream as text. Only one that can hold a workload is parsed; only one that gets agents, or had
some, is changed. What was injected before is taken out first, so that a second run gives what the first gave.
"""

from functools import partial
from typing import Any

from sidecar_plugin.agents.agent import AgentLibrary
from sidecar_plugin.agents.parts import Parts
from sidecar_plugin.errors import DeclarationError, ManifestError, TemplateError, VersionError
from sidecar_plugin.injection import pod_rules
from sidecar_plugin.injection.additions import PodAdditions
from sidecar_plugin.injection.manifests import BroughtManifests
from sidecar_plugin.injection.marker import has_marker
from sidecar_plugin.injection.pod_rules import Added, is_windows
from sidecar_plugin.injection.rendering import Rendering
from sidecar_plugin.injection.stream import AgentManifest, Stream, append_documents, check_foreign, identity, split_manifests
from sidecar_plugin.injection.uninject import remove, removed_note
from sidecar_plugin.injection.writer import PodWriter
from sidecar_plugin.kubernetes.declarations.protocol import Declaration
from sidecar_plugin.kubernetes.pod_templates import PodTemplate, Skipped, runs_to_completion
from sidecar_plugin.kubernetes.workload_data import workload_data
from sidecar_plugin.runtime.cache import Memo
from sidecar_plugin.runtime.report import Outcome, Results
from sidecar_plugin.settings.settings import AgentSettings, Settings
from sidecar_plugin.yamledit.documents import Document
from sidecar_plugin.yamledit.editor import Editor
from sidecar_plugin.yamledit.emitter import Emitter
from sidecar_plugin.yamledit.nodes import ParseError, Sequence
from sidecar_plugin.yamledit.parser import validate


class Injector:
    """Injects by one set of settings; agents are compiled once and shared over all streams."""

    __slots__ = ("_emitter", "_kinds", "_manifests", "_rendering", "_results", "_settings")

    def __init__(
        self, settings: Settings, library: AgentLibrary, results: Results, memo: Memo, manifests: BroughtManifests | None = None
    ) -> None:
        """Injectors of one stream share `manifests`. Raise SettingsError for an agent that does not exist and for settings
        that do not fit together."""
        self._settings = settings
        self._results = results
        self._rendering = Rendering(settings, library, memo)
        self._emitter = Emitter()
        self._manifests = manifests or BroughtManifests()
        self._kinds = settings.workload_kinds()

    @property
    def is_idle(self) -> bool:
        """Say whether the settings ask for nothing: then a stream is left as it is, injected before or not."""
        return not self._settings.layers

    def may_hold_workload(self, document: Document) -> bool:
        """Say whether a workload can be in the document, without parsing it."""
        return self._kinds.may_occur(document.text)

    def holds_workload(self, document: Document) -> bool:
        """Say whether a workload is in the document. Raises ManifestError."""
        return self.may_hold_workload(document) and any(True for _ in self._kinds.find(document, document.parse().root))

    def inject_documents(self, stream: Stream) -> list[str]:
        """Return the texts of the stream's documents with the agents in them; the manifests of agents are kept for
        `take_manifests`. Raises SidecarPluginError."""
        return [self.inject_document(document) for document in self._documents(stream)]

    def inject(self, stream: Stream) -> list[str]:
        """Return the text of the stream with the agents in it, in pieces. Raises SidecarPluginError."""
        documents = self._documents(stream)
        return self.with_manifests(documents, list(map(self.inject_document, documents)))

    def with_manifests(self, documents: list[Document], pieces: list[str]) -> list[str]:
        """Return the texts that the documents became with the manifests of agents behind them. Raises SidecarPluginError."""
        manifests = self._manifests.new()
        if manifests:
            self._manifests.check_apart(documents)
            pieces = [append_documents("".join(pieces), documents[-1], manifests)]
            self._manifests.take()
        return pieces

    def _documents(self, stream: Stream) -> list[Document]:
        if self.is_idle:
            return stream.documents
        documents, manifests = split_manifests(stream.documents)
        self.remember(manifests)
        return documents

    def remember(self, manifests: list[AgentManifest]) -> None:
        """Note manifests of an earlier run that were removed from the stream, for `warn_of_lost`."""
        self._manifests.removed += manifests

    def warn_of_lost(self) -> None:
        """Warn of manifests with our marker that were removed and that these settings do not add again."""
        for manifest in self._manifests.lost():
            kind, _, name = identity(manifest.document)
            message = f"{kind}/{name}, added before for the agent {manifest.agent}, was removed: these settings do not add it"
            self._results.warn(message, manifest.document.place(0))

    def take_manifests(self) -> list[dict[str, Any]]:
        """Return the resources that agents brought along since the last call, with the marker."""
        return self._manifests.take()

    def drop_manifests(self) -> None:
        """Forget what agents brought along since the last call of `take_manifests`: the stream was refused."""
        self._manifests.drop()

    # --- documents

    def inject_document(self, document: Document) -> str:
        """Return the text of one document with the agents in it. Raises SidecarPluginError."""
        before = document
        removed: list[str] = []
        if has_marker(document) and not self.is_idle:
            document, gone = remove(document)
            removed = gone.agents
            if gone.containers:
                self._results.warn(removed_note(gone), document.place(0))
        text = document.text
        if self.is_idle or not self._kinds.may_occur(text):
            if before is document:
                check_foreign(document)
            return text
        tree = document.parse()
        editor: Editor | None = None
        for found in self._kinds.find(document, tree.root):
            if isinstance(found, Skipped):
                self._skip(found)
                continue
            additions = self._additions(found, removed)
            if additions is not None:
                editor = editor or Editor(document.text, _indent_of_lists(found), self._emitter)
                PodWriter(found, tree, editor).write(additions)
                self._manifests.add(found, additions.manifests)
        if editor is None:
            return document.text
        return self._checked(document, editor.result())

    def _skip(self, skipped: Skipped) -> None:
        """Report a workload that cannot get agents; one of an unknown kind only where the settings ask for agents in it."""
        locate = partial(skipped.document.place, skipped.offset)
        if skipped.is_unknown and not self._rendering.agents.concerns(skipped):
            return
        reason = skipped.reason if skipped.is_unknown else f"{skipped.reason}, nothing to inject into"
        self._results.warn(f"{skipped.kind}/{skipped.name}: {reason}", locate())
        outcome = Outcome(locate, skipped.kind, skipped.namespace, skipped.name, skipped=skipped.reason)
        self._results.outcomes.append(outcome)

    def warn_of_unused(self) -> None:
        """Warn of kinds that the settings name under `workloads` and that no document of the run is of."""
        self.warn_of_lost()
        for group, kind in self._kinds.unused:
            self._results.warn(f"workloads: no {kind} of the group {group or chr(34) * 2} was found", None)

    def _checked(self, document: Document, text: str) -> str:
        try:
            validate(text)
        except ParseError as error:
            message = f"cannot be edited safely as it is written (the result would be: {error.message})"
            raise ManifestError(message, document.place(0)) from None
        return text

    def _additions(self, pod: PodTemplate, removed: list[str]) -> PodAdditions | None:
        """Return what the agents add to a pod, None if it gets none; report the workload either way."""
        locate = partial(pod.document.place, pod.offset)
        agents, reason = self._rendering.agents.for_pod(pod)
        if not agents:
            gone = tuple(dict.fromkeys(removed))
            self._results.outcomes.append(Outcome(locate, pod.kind, pod.namespace, pod.name, (), gone, reason, part=pod.part))
            return None
        if is_windows(pod):
            reason = "its node runs Windows, and the agents' images are for Linux"
            self._results.warn(f"{pod.kind}/{pod.name}: {reason}: it gets no agents", locate())
            outcome = Outcome(
                locate, pod.kind, pod.namespace, pod.name, (), tuple(dict.fromkeys(removed)), reason, part=pod.part
            )
            self._results.outcomes.append(outcome)
            return None
        declaration = self._declaration(pod)
        additions = PodAdditions(pod, self._results)
        context = self._rendering.context(declaration)
        added = []
        for agent in agents:
            parts = self._rendering.agents.parts(pod, agent, context)
            container = self._container(pod, agent, parts, declaration)
            self._check_platform(pod, agent.name, container, parts)
            additions.add(agent.name, declaration, agent.position or declaration.position, container, parts)
            added.append(Added(agent.name, container))
        additions.check_mounts()
        for finding in pod_rules.findings(pod, added):
            self._results.warn(f"{pod.kind}/{pod.name}: {finding.message}", pod.document.place(finding.node.start))
        gone = tuple(name for name in dict.fromkeys(removed) if name not in {agent.name for agent in agents})
        self._warn_of_unknown(pod, gone)
        size_note = self._rendering.platform.size_note
        containers = [one.container for one in added]
        note = size_note(workload_data(pod)["containers"], containers) if size_note else ""
        outcome = Outcome(locate, pod.kind, pod.namespace, pod.name, tuple(additions.agents), gone, note=note, part=pod.part)
        self._results.outcomes.append(outcome)
        return additions

    def _container(self, pod: PodTemplate, agent: AgentSettings, parts: Parts, declaration: Declaration) -> dict[str, Any]:
        try:
            return self._rendering.container(agent, parts, declaration)
        except TemplateError as error:
            raise TemplateError(error.message, pod.document.place(pod.offset)) from None

    def _declaration(self, pod: PodTemplate) -> Declaration:
        name = f"{pod.kind}/{pod.name}"
        try:
            declaration, warning = self._rendering.declaration(pod.kind, runs_to_completion(pod), name)
        except VersionError as error:
            raise VersionError(error.message, pod.document.place(pod.offset)) from None
        except DeclarationError as error:
            raise DeclarationError(f"{name}: {error.message}", pod.document.place(pod.offset)) from None
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


def _indent_of_lists(pod: PodTemplate) -> int:
    """Return how far the author indents a list's dashes behind its key: as the pod's containers are."""
    containers = pod.spec.get("containers")
    if pod.spec.flow or not isinstance(containers, Sequence) or containers.flow:
        return 0
    return max(0, containers.column - pod.spec.column)
