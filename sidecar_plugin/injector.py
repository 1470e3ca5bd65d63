"""Injection into a stream of manifests: text in, text out.

Each document is cut from the stream as text. Only one that can hold a workload is parsed; only one that gets agents, or had
some, is changed. What was injected before is taken out first, so that a second run gives what the first gave.
"""

import re
from typing import Any, NamedTuple

from sidecar_plugin import declarations
from sidecar_plugin.agents import TEMPLATE, Agent, AgentFolder, AgentLibrary, Parts, ValuesError, patch_container
from sidecar_plugin.config import (
    KIND,
    RESERVED,
    VERSION_SOURCES,
    AgentSettings,
    Layer,
    Settings,
    document_layer,
    is_injection,
)
from sidecar_plugin.declarations.protocol import Declaration, Target
from sidecar_plugin.document.edit import Editor, join_spans, span_of_items
from sidecar_plugin.document.emit import block
from sidecar_plugin.document.stream import Document, split
from sidecar_plugin.errors import (
    ClashError,
    DeclarationError,
    ManifestError,
    Place,
    SettingsError,
    TemplateError,
    VersionError,
    did_you_mean,
)
from sidecar_plugin.marker import INJECTED, has_marker, is_manifest, manifest_marker, remove
from sidecar_plugin.memo import Memo
from sidecar_plugin.nodes import Mapping, ParseError, Sequence, follow, validate
from sidecar_plugin.plain_data import DataError, lookup, to_data
from sidecar_plugin.pod_patch import PodPatch
from sidecar_plugin.pod_writer import PodWriter
from sidecar_plugin.results import Outcome, Results
from sidecar_plugin.selectors import Selector, parse_selector
from sidecar_plugin.source import Source
from sidecar_plugin.workloads import (
    RUN_TO_COMPLETION,
    CustomWorkload,
    PodTemplate,
    Skipped,
    WorkloadKinds,
    containers_data,
    has_escaped_letters,
    scalar_text,
)

ANNOTATION_INJECT = "sidecar-plugin.dev/inject"
ANNOTATION_AGENTS = "sidecar-plugin.dev/agents"
ANNOTATION_VALUES = "sidecar-plugin.dev/values."
_NEEDS_TREE = re.compile(r"\*|[{\[,]\s*[{\[]|[\]}]\s*:|\?\s")
"""Only where one of these stands can a document hold an alias or a key that is no string, which `validate` does not see."""


class Stream(NamedTuple):
    """A stream of manifests without the settings that were found in it, and these settings."""

    source: Source
    documents: list[Document]
    layers: list[Layer]

    def with_settings(self) -> "Stream":
        """Return the same stream with the settings' documents left in."""
        return Stream(self.source, split(self.source), [])


class _Manifest(NamedTuple):
    """A resource that an agent brings along, and the first workload that needs it."""

    agent: str
    data: dict[str, Any]
    place: Place


def read_stream(source: Source, memo: Memo) -> Stream:
    """Cut a stream into documents and take the SidecarInjection documents out, those among a list's items included.

    Raises ManifestError and SettingsError, with the place.
    """
    documents, layers = [], []
    for document in split(source):
        text = document.text
        if KIND not in text and not has_escaped_letters(text):
            documents.append(document)
            continue
        root = document.parse().root
        if isinstance(root, Mapping) and is_injection(root):
            layers.append(document_layer(document, root, memo))
            continue
        items = root.get("items") if isinstance(root, Mapping) else None
        ours = set()
        for index, item in enumerate(items.items if isinstance(items, Sequence) else ()):
            target = follow(item)
            if isinstance(target, Mapping) and is_injection(target):
                layers.append(document_layer(document, target, memo))
                ours.add(index)
        if ours and isinstance(items, Sequence):
            document = document.without(join_spans(document.text, span_of_items(document.text, items, ours)))
        documents.append(document)
    return Stream(source, documents, layers)


class Injector:
    """Injects by one set of settings; agents are compiled once and shared over all streams."""

    __slots__ = ("_agents", "_exclude", "_kinds", "_library", "_manifests", "_memo", "_results", "_settings", "_targets")

    def __init__(self, settings: Settings, library: AgentLibrary, results: Results, memo: Memo) -> None:
        """Raise SettingsError for an agent that does not exist and for settings that do not fit together."""
        self._settings = settings
        self._library = library
        self._results = results
        self._memo = memo
        self._agents: dict[str, Agent] = {}
        self._manifests: dict[tuple[str, str, str, str], _Manifest] = {}
        self._kinds = WorkloadKinds(
            tuple(
                CustomWorkload(custom["group"], custom["kind"], tuple(custom["podTemplate"].split(".")))
                for custom in settings.workloads
            )
        )
        self._targets = self._selectors(settings.targets, ["targets"])
        self._exclude = self._selectors(settings.exclude, ["exclude"])
        known: list[str] | None = None
        for name, agent in settings.agents.items():
            self._selectors(agent.targets, ["agents", name, "targets"])
            if agent.template is None:
                known = self._library.names() if known is None else known
                if name not in known:
                    names = [*known, *(other for other, one in settings.agents.items() if one.template is not None)]
                    hint = did_you_mean(name, names) or f"; there are {', '.join(names)}"
                    message = f'there is no agent "{name}"{hint} (an agent of your own needs a template or --templates)'
                    raise settings.error(message, ["agents", name])

    @property
    def is_idle(self) -> bool:
        """Say whether the settings ask for nothing: then a stream is left as it is, injected before or not."""
        return not self._settings.layers

    def may_hold_workload(self, document: Document) -> bool:
        """Say whether a workload can be in the document, without parsing it."""
        return self._kinds.may_occur(document.text)

    def inject_documents(self, stream: Stream) -> list[str]:
        """Return the texts of the stream's documents with the agents in them; the manifests of agents are kept for
        `take_manifests`. Raises SidecarPluginError."""
        documents = stream.documents if self.is_idle else without_manifests(stream.documents)
        return [self._inject_document(document) for document in documents]

    def inject(self, stream: Stream) -> list[str]:
        """Return the text of the stream with the agents in it, in pieces. Raises SidecarPluginError."""
        pieces = self.inject_documents(stream)
        manifests = self.take_manifests()
        if manifests:
            text = "".join(pieces)
            self._check_manifests(manifests, split(Source(stream.source.name, text)))
            pieces = [append_documents(text, [manifest_lines(manifest) for manifest in manifests])]
        return pieces

    def take_manifests(self) -> list[dict[str, Any]]:
        """Return the resources that agents brought along since the last call, with the marker."""
        manifests = [_marked(manifest) for manifest in self._manifests.values() if manifest.agent]
        self._manifests = {key: manifest._replace(agent="") for key, manifest in self._manifests.items()}
        return manifests

    # --- documents

    def _inject_document(self, document: Document) -> str:
        before = document
        removed: list[str] = []
        if has_marker(document) and not self.is_idle:
            document, removed = remove(document)
        text = document.text
        if self.is_idle or not self._kinds.may_occur(text):
            if before is document:
                check_foreign(document)
            return text
        tree = document.parse()
        editor: Editor | None = None
        for found in self._kinds.find(document, tree.root):
            if isinstance(found, Skipped):
                place = document.place(found.offset)
                self._results.warn(f"{found.kind}/{found.name}: {found.reason}, nothing to inject into", place)
                self._results.outcomes.append(Outcome(place, found.kind, found.namespace, found.name, skipped=found.reason))
                continue
            patch = self._patch(found, removed)
            if patch is not None:
                editor = editor or Editor(document.text, _indent_of_lists(found))
                PodWriter(found, tree, editor).write(patch)
                self._collect_manifests(found, patch)
        if editor is None:
            return document.text
        return self._checked(document, editor.result())

    def _checked(self, document: Document, text: str) -> str:
        try:
            validate(text)
        except ParseError as error:
            message = f"cannot be edited safely as it is written (the result would be: {error.message})"
            raise ManifestError(message, document.place(0)) from None
        return text

    def _patch(self, pod: PodTemplate, removed: list[str]) -> PodPatch | None:
        place = pod.document.place(pod.offset)
        agents, reason = self._agents_for(pod)
        if not agents:
            gone = tuple(dict.fromkeys(removed))
            self._results.outcomes.append(Outcome(place, pod.kind, pod.namespace, pod.name, (), gone, reason))
            return None
        declaration = self._declaration(pod, place)
        patch = PodPatch(pod, self._results)
        context = {
            "workload": {
                "kind": pod.kind,
                "name": pod.name,
                "namespace": pod.namespace,
                "labels": pod.labels,
                "annotations": pod.annotations,
                "containers": containers_data(pod),
            },
            "cluster": {"version": str(self._settings.cluster_version), "platform": self._settings.platform},
            "declaration": declaration.name,
        }
        for settings in agents:
            parts = self._parts(pod, settings, context)
            try:
                patched = patch_container(parts.container, settings.container)
                container = declaration.declare(patched)
            except SettingsError as error:
                raise self._settings.error(error.message, ["agents", settings.name, "container"]) from None
            except TemplateError as error:
                raise TemplateError(f"agent {settings.name}: {error.message}", place) from None
            position = settings.position or declaration.position
            patch.add(settings.name, declaration.name, declaration.list_name, position, container, parts)
        gone = tuple(name for name in dict.fromkeys(removed) if name not in {agent.name for agent in agents})
        for name in gone:
            if name not in self._settings.agents:
                message = (
                    f"{pod.kind}/{pod.name}: the agent {name}, injected before, is not in these settings and was taken out"
                )
                self._results.warn(message, place)
        self._results.outcomes.append(Outcome(place, pod.kind, pod.namespace, pod.name, tuple(patch.agents), gone))
        return patch

    # --- selection

    def _selectors(self, raw: list[dict[str, Any]], path: list[str | int]) -> list[Selector]:
        selectors = []
        for index, data in enumerate(raw):
            try:
                selectors.append(parse_selector(data))
            except SettingsError as error:
                raise self._settings.error(error.message, [*path, index, error.field]) from None
        return selectors

    def _agents_for(self, pod: PodTemplate) -> tuple[list[AgentSettings], str]:
        """Return the agents for a pod, or why there are none."""
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
            if not agent.targets
            or any(selector.matches(pod) for selector in self._selectors(agent.targets, ["agents", agent.name, "targets"]))
        ]
        return chosen, "no agent is for this workload" if enabled else "no agent is enabled"

    def _listed(self, pod: PodTemplate, name: str) -> AgentSettings:
        if name in self._settings.agents:
            return self._settings.agents[name]
        known = self._library.names()
        if name not in known:
            hint = did_you_mean(name, {*known, *self._settings.agents}) or f"; there are {', '.join(known)}"
            raise SettingsError(
                f'there is no agent "{name}"{hint}', _annotation_place(pod, ANNOTATION_AGENTS), ANNOTATION_AGENTS
            )
        return AgentSettings(name, True, None, [], None, {}, {})

    # --- agents

    def _parts(self, pod: PodTemplate, settings: AgentSettings, context: dict[str, Any]) -> Parts:
        agent = self._agents.get(settings.name)
        if agent is None:
            agent = self._agents[settings.name] = Agent(_folder(settings, self._library), self._memo)
        own = self._annotated_values(pod, settings.name)
        try:
            return agent.render((settings.values, *own), context)
        except ValuesError as error:
            problem = error.problem
        if own:
            key = ANNOTATION_VALUES + settings.name
            field = ".".join(map(str, [*problem.path, problem.key] if problem.key else problem.path))
            raise SettingsError(problem.message, _annotation_place(pod, key), f"{key}: {field}" if field else key)
        path = ["agents", settings.name, *problem.path]
        raise self._settings.error(problem.message, [*path, problem.key] if problem.key else path)

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
        return data

    def _declaration(self, pod: PodTemplate, place: Place) -> Declaration:
        version = self._settings.cluster_version
        if version is None:
            raise VersionError(
                f"{pod.kind}/{pod.name} is to get sidecars, but no cluster version is given, and it decides how they are "
                f"declared; give it by {VERSION_SOURCES}",
                place,
            )
        asked = self._settings.declaration
        declaration = declarations.choose(asked, self._settings.platform, version)
        restart = scalar_text(pod.spec, "restartPolicy")
        completes = pod.kind in RUN_TO_COMPLETION or restart in ("Never", "OnFailure")
        target = Target(version, self._settings.platform, pod.kind, completes, asked != "auto")
        try:
            warning = declarations.check(declaration, target)
        except DeclarationError as error:
            raise DeclarationError(f"{pod.kind}/{pod.name}: {error.message}", place) from None
        if warning:
            self._results.warn(f"{pod.kind}/{pod.name}: {warning}", place)
        return declaration

    # --- manifests of agents

    def _collect_manifests(self, pod: PodTemplate, patch: PodPatch) -> None:
        for agent, manifest in patch.manifests:
            metadata = dict(manifest["metadata"])
            if pod.namespace and "namespace" not in metadata:
                metadata["namespace"] = pod.namespace
            data = {**manifest, "metadata": metadata}
            key = (data["apiVersion"], data["kind"], metadata.get("namespace", ""), metadata["name"])
            place = pod.document.place(pod.offset)
            known = self._manifests.setdefault(key, _Manifest(agent, data, place))
            if known.data != data:
                raise ClashError(
                    f"two agents or workloads bring a {key[1]}/{key[3]}, but not the same one (agent {agent})", place
                )

    def _check_manifests(self, manifests: list[dict[str, Any]], documents: list[Document]) -> None:
        for manifest in manifests:
            metadata = manifest["metadata"]
            for document in documents:
                if metadata["name"] not in document.text:
                    continue
                root = document.parse().root
                theirs = root.get("metadata") if isinstance(root, Mapping) else None
                if (
                    isinstance(root, Mapping)
                    and scalar_text(root, "kind") == manifest["kind"]
                    and theirs is not None
                    and scalar_text(theirs, "name") == metadata["name"]
                    and (scalar_text(theirs, "namespace") or "") == metadata.get("namespace", "")
                ):
                    message = (
                        f"an agent brings a {manifest['kind']}/{metadata['name']}, and there is one already; rename either"
                    )
                    raise ClashError(message, document.place(root.first))


def _folder(settings: AgentSettings, library: AgentLibrary) -> AgentFolder:
    text = settings.template
    if text is not None:
        return AgentFolder(settings.name, f"agents.{settings.name}.template", text, lambda: {TEMPLATE: text}, is_inline=True)
    folder = library.folder(settings.name)
    assert folder is not None  # Injector.__init__ has looked
    return folder


def _annotation_place(pod: PodTemplate, key: str) -> Place:
    offset = pod.offset
    for metadata in pod.metadata_nodes:
        node, found = lookup(metadata, ["annotations", key])
        if found:
            offset = node.start
    return pod.document.place(offset)


def _indent_of_lists(pod: PodTemplate) -> int:
    """Return how far the author indents a list's dashes behind its key: as the pod's containers are."""
    containers = pod.spec.get("containers")
    if pod.spec.flow or not isinstance(containers, Sequence) or containers.flow:
        return 0
    return max(0, containers.column - pod.spec.column)


def _marked(manifest: _Manifest) -> dict[str, Any]:
    metadata = manifest.data["metadata"]
    annotations = {**(metadata.get("annotations") or {}), INJECTED: manifest_marker(manifest.agent)}
    return {**manifest.data, "metadata": {**metadata, "annotations": annotations}}


def manifest_lines(manifest: dict[str, Any]) -> list[str]:
    """Return a manifest as a document of its own."""
    return ["---", *block(manifest, 0)]


def append_documents(text: str, documents: list[list[str]]) -> str:
    """Return the stream with documents behind its last one; a stream that ends without a line break still does."""
    newline = "\r\n" if "\r\n" in text else "\n"
    added = newline.join(newline.join(lines) for lines in documents)
    return f"{text}{newline}{added}" if text and text[-1] not in "\r\n" else f"{text}{added}{newline}"


def check_foreign(document: Document) -> None:
    """Raise ManifestError if a document that holds no workload is not YAML."""
    text = document.text
    if any(mark in text for mark in "*{[?") and _NEEDS_TREE.search(text):
        document.parse()
    else:
        document.validate()


def without_manifests(documents: list[Document]) -> list[Document]:
    """Return the documents of a stream less those that are manifests an agent brought along."""
    kept = [document for document in documents if not (has_marker(document) and is_manifest(document))]
    if kept and kept[-1] is not documents[-1] and documents[-1].text[-1:] not in ("\n", "\r"):
        last = kept[-1]  # the stream ended without a line break; the one before our manifest came with it
        length = len(last.text)
        kept[-1] = last.without([(length - (2 if last.text.endswith("\r\n") else 1), length)])
    return kept


def uninject(source: Source, results: Results) -> str:
    """Return the stream as it was before any injection. Raises ManifestError, with the place."""
    pieces = []
    for document in without_manifests(split(source)):
        if not has_marker(document):
            check_foreign(document)
            pieces.append(document.text)
            continue
        without, agents = remove(document)
        pieces.append(without.text)
        if agents:
            kind, namespace, name = _identity(document)
            outcome = Outcome(document.place(0), kind, namespace, name, (), tuple(dict.fromkeys(agents)))
            results.outcomes.append(outcome)
    return "".join(pieces)


def _identity(document: Document) -> tuple[str, str, str]:
    root = document.parse().root
    metadata = root.get("metadata") if isinstance(root, Mapping) else None
    kind = (scalar_text(root, "kind") if root else None) or "?"
    return (
        kind,
        scalar_text(metadata, "namespace") or "" if metadata else "",
        scalar_text(metadata, "name") or "" if metadata else "",
    )
