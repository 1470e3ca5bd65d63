"""Injection into a stream of manifests: text in, text out.

Each document is cut from the stream as text. Only one that can hold a workload is parsed; only one that gets agents, or had
some, is changed. What was injected before is taken out first, so that a second run gives what the first gave.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

from sidecar_plugin.agents.agent import AgentLibrary
from sidecar_plugin.errors import ManifestError
from sidecar_plugin.injection.manifests import BroughtManifests
from sidecar_plugin.injection.marker import has_marker
from sidecar_plugin.injection.pod_injection import Around, PodInjection
from sidecar_plugin.injection.removed import Removals, Removed, by_owner
from sidecar_plugin.injection.rendering import Rendering
from sidecar_plugin.injection.service_ports import ServicePorts
from sidecar_plugin.injection.stream import AgentManifest, Stream, check_foreign, documents_behind, split_manifests
from sidecar_plugin.injection.uninject import remove
from sidecar_plugin.injection.writer import PodWriter
from sidecar_plugin.kubernetes.pod_templates import PodTemplate, Skipped
from sidecar_plugin.kubernetes.text_search import may_hold_objects_about_pods
from sidecar_plugin.runtime.report import Results
from sidecar_plugin.settings.settings import Settings
from sidecar_plugin.yamledit.documents import Document
from sidecar_plugin.yamledit.editor import Editor
from sidecar_plugin.yamledit.emitter import Emitter
from sidecar_plugin.yamledit.nodes import ParseError, Sequence
from sidecar_plugin.yamledit.parser import validate

if TYPE_CHECKING:
    from collections.abc import Callable

    from sidecar_plugin.kubernetes.stream_rules import StreamRules


class Injected(NamedTuple):
    """A stream's documents as they came, and what became of them in pieces, one a document and then what agents bring along.

    Its Services still send to the application's ports: `ServicePorts.routed` changes them.
    """

    documents: list[Document]
    pieces: list[str]


def injected(
    documents: list[Document], inject: "Callable[[Document, Around], str]", results: Results, services: ServicePorts
) -> list[str]:
    """Return the texts that `inject` makes of the documents of a stream; `services` notes their pods.

    The pods are held against the stream's objects that limit or scale pods, each by `inject`, and here all together.
    """
    rules = _stream_rules(documents)
    pieces = [inject(document, Around(rules, services)) for document in documents]
    for _, one, problem in rules.together() if rules else ():
        if problem.of_agents:
            results.warn(str(problem), one.document.place(problem.node.start))
    return pieces


def injected_alone(documents: list[Document], inject: "Callable[[Document, Around], str]", results: Results) -> list[str]:
    """Return what `injected` does, with the Services of the stream sent to the agents in front of its pods."""
    services = ServicePorts(results, documents)
    pieces = services.routed(documents, injected(documents, inject, results, services))
    services.warn_of_unreached()
    return pieces


def _stream_rules(documents: list[Document]) -> "StreamRules | None":
    held = [document for document in documents if may_hold_objects_about_pods(document.text)]
    if not held:
        return None
    from sidecar_plugin.kubernetes.stream_objects import objects  # late: few streams have such objects
    from sidecar_plugin.kubernetes.stream_rules import StreamRules

    return StreamRules([one for document in held for one in objects(document)])


class Injector:
    """Injects by one set of settings; agents are compiled once and shared over all streams."""

    __slots__ = ("_emitter", "_kinds", "_manifests", "_pods", "_results", "_settings")

    def __init__(
        self, settings: Settings, library: AgentLibrary, results: Results, manifests: BroughtManifests | None = None
    ) -> None:
        """Injectors of one stream share `manifests`. Raise SettingsError for an agent that does not exist and for settings
        that do not fit together."""
        self._settings = settings
        self._results = results
        self._pods = PodInjection(settings, Rendering(settings, library), results)
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
        return self._injected(self._documents(stream))

    def begin(self, stream: Stream, services: ServicePorts) -> Injected:
        """Return one of several streams with the agents in it; its Services wait for the pods of the others. Raises
        SidecarPluginError."""
        if self.is_idle:
            return Injected([], self.inject(stream))
        documents = self._documents(stream)
        pieces = injected(documents, self.inject_document, self._results, services)
        return Injected(documents, self.with_manifests(documents, pieces))

    def inject(self, stream: Stream) -> list[str]:
        """Return the text of the stream with the agents in it, in pieces. Raises SidecarPluginError."""
        documents = self._documents(stream)
        return self.with_manifests(documents, self._injected(documents))

    def _injected(self, documents: list[Document]) -> list[str]:
        if self.is_idle:
            return [self.inject_document(document, Around(None, None)) for document in documents]
        return injected_alone(documents, self.inject_document, self._results)

    def with_manifests(self, documents: list[Document], pieces: list[str]) -> list[str]:
        """Return the texts that the documents became with the manifests of agents behind them. Raises SidecarPluginError."""
        manifests = self._manifests.new()
        if manifests:
            self._manifests.check_apart(documents)
            pieces = [*pieces, documents_behind("".join(pieces), documents[-1], manifests)]
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
            kind, _, name = manifest.identity
            message = f"{kind}/{name}, added before for the agent {manifest.agent}, was removed: these settings do not add it"
            self._results.warn(message, manifest.place())

    def take_manifests(self) -> list[dict[str, Any]]:
        """Return the resources that agents brought along since the last call, with the marker."""
        return self._manifests.take()

    def drop_manifests(self) -> None:
        """Forget what agents brought along since the last call of `take_manifests`: the stream was refused."""
        self._manifests.drop()

    # --- documents

    def inject_document(self, document: Document, around: Around) -> str:
        """Return the text of one document with the agents in it. Raises SidecarPluginError."""
        removals, before = Removals([], []), document
        if not self.is_idle and has_marker(document):
            document, removals = remove(document)
            self.remember(removals.manifests)
        text = document.text
        if self.is_idle or not self._kinds.may_occur(text):
            if not removals.removed and not removals.manifests:
                check_foreign(document)
            self._report_removed(before, removals.removed, around)
            return text
        tree = document.parse()
        editor: Editor | None = None
        seen: set[int] = set()
        for found in self._kinds.find(document, tree.root):
            if isinstance(found, Skipped):
                self._pods.skip(found)
                continue
            removed = removals.of(found)
            seen.add(id(removed))
            additions = self._pods.additions(found, removed, around)
            if additions is not None:
                editor = editor or Editor(document.text, _indent_of_lists(found), self._emitter)
                PodWriter(found, tree, editor).write(additions)
                self._manifests.add(found, additions.manifests)
        self._report_removed(before, [each for each in removals.removed if id(each) not in seen], around)
        if editor is None:
            return document.text
        return self._checked(document, editor.result())

    def _report_removed(self, document: Document, removed: list[Removed], around: Around) -> None:
        """Report what was removed from objects in which no pod template of a known kind is, and from Services."""
        for each in by_owner(removed):
            if each.is_of_service and around.services:
                around.services.see_put_back(document, each)
            else:
                self._pods.report_removed(document, each)

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


def _indent_of_lists(pod: PodTemplate) -> int:
    """Return how far the author indents a list's dashes behind its key: as the pod's containers are."""
    containers = pod.spec.get("containers")
    if pod.spec.flow or not isinstance(containers, Sequence) or containers.flow:
        return 0
    return max(0, containers.column - pod.spec.column)
