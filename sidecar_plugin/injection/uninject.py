"""TODO."""

from functools import partial

from sidecar_plugin.injection.marker import INJECTED, Marker, _is_manifest, _marker_of, has_marker, identity_key
from sidecar_plugin.injection.stream import check_foreign, identity, without_manifests
from sidecar_plugin.runtime.report import Outcome, Results
from sidecar_plugin.yamledit.access import effective_pair, scalar_text
from sidecar_plugin.yamledit.documents import Document, Span, split
from sidecar_plugin.yamledit.nodes import Mapping, Node, Scalar, Sequence, follow, walk
from sidecar_plugin.yamledit.removal import join_spans, span_of_comment_mark, span_of_items, span_of_more, span_of_pairs
from sidecar_plugin.yamledit.source import Source


def remove(document: Document) -> tuple[Document, list[str]]:
    """Return the document as it was before injection, and the agents taken out.

    Raises ManifestError, with the place, for an annotation that cannot be read.
    """
    root = document.parse().root
    spans: list[Span] = []
    agents: list[str] = []
    for node in walk(root) if root is not None else ():
        if isinstance(node, Sequence):
            items = enumerate(node.items)
            ours = {index for index, item in items if isinstance(item, Mapping) and _is_manifest(document, item)}
            spans += span_of_items(document.text, node, ours)
        elif isinstance(node, Mapping) and (marker := _marker_of(document, node)) is not None:
            spans += _Removal(document, node, marker).spans()
            agents += marker.agents
    return (document.without(join_spans(document.text, spans)) if spans else document), agents


class _Removal:
    """Finds the spans of one pod template that the marker accounts for."""

    __slots__ = ("_containers", "_marker", "_template", "_text")

    def __init__(self, document: Document, template: Mapping, marker: Marker) -> None:
        self._text = document.text
        self._template = template
        self._marker = marker
        self._containers: dict[str | None, Node] | None = None

    def spans(self) -> list[Span]:
        spans: list[Span] = self._more_spans()
        gone_whole: set[str] = set()
        annotations = [*self._marker.added.get("metadata.annotations", ()), INJECTED]
        for path, listed in {**self._marker.added, "metadata.annotations": annotations}.items():
            names = set(listed)
            found = self._find(path)
            if found is None:
                continue
            parent, key, node = found
            if isinstance(node, Sequence):
                identity = identity_key(path)
                gone = {index for index, item in enumerate(node.items) if _name(item, identity) in names}
                count, inner = len(node.items), span_of_items(self._text, node, gone)
            elif isinstance(node, Mapping):
                gone = {index for index, (name, _) in enumerate(node.pairs) if name.value in names}
                count, inner = len(node.pairs), span_of_pairs(self._text, node, gone)
            else:
                continue
            if len(gone) == count and path in self._marker.created:
                gone_whole.add(path)
                spans += self._pair_span(parent, key)
            else:
                spans += inner
                if len(gone) == count and path in self._marker.nulls:
                    spans += span_of_comment_mark(self._text, key)
        if "metadata" in self._marker.created or "metadata" in self._marker.nulls:
            spans += self._metadata(gone_whole)
        return spans

    def _more_spans(self) -> list[Span]:
        spans: list[Span] = []
        found = self._find("metadata.annotations") if self._marker.joined else None
        for key, more in self._marker.joined.items():
            pair = found[2].pair(key) if found and isinstance(found[2], Mapping) else None
            if pair is not None and isinstance(pair[1], Scalar):
                spans += span_of_more(self._text, pair[1], more)
        return spans

    def _metadata(self, gone_whole: set[str]) -> list[Span]:
        found = self._find("metadata")
        if found is None:
            return []
        parent, key, metadata = found
        if not isinstance(metadata, Mapping):
            return []
        if any(f"metadata.{name.value}" not in gone_whole for name, _ in metadata.pairs):
            return []  # somebody else has put something there since
        if "metadata" in self._marker.nulls:
            return span_of_comment_mark(self._text, key)
        return self._pair_span(parent, key)

    def _pair_span(self, parent: Mapping, key: Scalar) -> list[Span]:
        return span_of_pairs(self._text, parent, {index for index, (name, _) in enumerate(parent.pairs) if name is key})

    def _find(self, path: str) -> tuple[Mapping, Scalar, Node] | None:
        """Return mapping, key and value of `spec.volumes`, `spec.containers[app].env` and their like."""
        node: Node = self._template
        container = ""
        if path.startswith("spec.containers[") and "]." in path:
            inside, _, last = path.removeprefix("spec.containers[").rpartition("].")
            steps, container = ["spec", "containers"], inside
        else:
            *steps, last = path.split(".")
        for step in steps:
            pair = effective_pair(node, step) if isinstance(node, Mapping) else None
            if pair is None:
                return None
            node = follow(pair[1])
        if container:
            found = self._container(node, container)
            if found is None:
                return None
            node = found
        if not isinstance(node, Mapping):
            return None
        pair = effective_pair(node, last)
        return (node, pair[0], follow(pair[1])) if pair else None

    def _container(self, containers: Node, name: str) -> Node | None:
        """Return the first container of that name; all are found by one look at them."""
        if self._containers is None:
            items = containers.items if isinstance(containers, Sequence) else []
            self._containers = {_name(item, "name"): follow(item) for item in reversed(items)}
        return self._containers.get(name)


def _name(item: Node, identity: str) -> str | None:
    return scalar_text(follow(item), identity)


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
            kind, namespace, name = identity(document)
            outcome = Outcome(partial(document.place, 0), kind, namespace, name, (), tuple(dict.fromkeys(agents)))
            results.outcomes.append(outcome)
    return "".join(pieces)
