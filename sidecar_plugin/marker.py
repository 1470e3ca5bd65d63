"""What the program writes about itself into a pod template, and taking an injection out again by it.

The annotation `sidecar-plugin.dev/injected` holds one line of JSON: the agents with their declarations, the names of what was
added to which list, and the keys that were not there before. It makes a second run update instead of add, and makes the
removal exact. A manifest that an agent brought along carries the annotation too, with `{"manifest": AGENT}`.
"""

import json
import re
from typing import Any, NamedTuple

from sidecar_plugin.document.edit import join_spans, span_of_comment_mark, span_of_items, span_of_more, span_of_pairs
from sidecar_plugin.document.stream import Document, Span
from sidecar_plugin.errors import ManifestError
from sidecar_plugin.fields import effective_pair, scalar_text
from sidecar_plugin.nodes import Mapping, Node, Scalar, Sequence, follow, walk

INJECTED = "sidecar-plugin.dev/injected"
VERSION = 1
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_DAMAGED = f"the annotation {INJECTED} cannot be read; take out by hand what was injected, and the annotation"
_LISTS = r"spec\.(?:initContainers|containers|volumes|imagePullSecrets)|spec\.containers\[.+\]\.(?:env|volumeMounts)"
_EXTENDED = rf"{_LISTS}|metadata\.(?:annotations|labels)"  # both compiled when something is taken out
_CREATED = rf"{_LISTS}|metadata(?:\.(?:annotations|labels))?"


class Marker(NamedTuple):
    """What was added to one pod template.

    `added`: by the list's or map's field path, the names (mount paths, keys) added to it. `created`: field paths that were
    not there before. `nulls`: those that stood there as a written-out null. `joined`: by the annotation, what was written
    behind its value.
    """

    agents: dict[str, dict[str, str]]
    added: dict[str, list[str]]
    created: list[str]
    nulls: list[str]
    joined: dict[str, str]

    def to_json(self) -> str:
        """Return the annotation's value."""
        data: dict[str, Any] = {"version": VERSION, "agents": self.agents, "added": self.added, "created": self.created}
        if self.nulls:
            data["nulls"] = self.nulls
        if self.joined:
            data["joined"] = self.joined
        return _ENCODER.encode(data)


def manifest_marker(agent: str) -> str:
    """Return the annotation's value for a manifest that an agent brings along."""
    return _ENCODER.encode({"version": VERSION, "manifest": agent})


def identity_key(list_path: str) -> str:
    """Return the field that tells the items of a list apart, as the Kubernetes API does (its patch merge keys)."""
    return "mountPath" if list_path.endswith("volumeMounts") else "name"


def has_marker(document: Document) -> bool:
    """Say whether something may have been injected into the document before."""
    return INJECTED in document.text


def is_manifest(document: Document) -> bool:
    """Say whether the document is a manifest that an agent brought along. Raises ManifestError for a damaged marker."""
    root = document.parse().root
    return isinstance(root, Mapping) and _is_manifest(document, root)


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


def marker_of(document: Document, template: Mapping) -> tuple[Scalar, Marker] | None:
    """Return the annotation of a pod template and what it says, None if nothing was injected into it.

    Raises ManifestError, with the place, for an annotation that cannot be read.
    """
    marker = _marker_of(document, template)
    scalar = _annotation(document, template)
    return (scalar, marker) if scalar is not None and marker is not None else None


def _annotation(document: Document, node: Mapping) -> Scalar | None:
    found: Node = node
    for key in ("metadata", "annotations", INJECTED):
        pair = effective_pair(found, key) if isinstance(found, Mapping) else None
        if pair is None:
            return None
        found = follow(pair[1])
    if not isinstance(found, Scalar):
        raise ManifestError(_DAMAGED, document.place(found.start))
    return found


def _load(document: Document, scalar: Scalar) -> dict[str, Any]:
    try:
        data = json.loads(scalar.value)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise ManifestError(_DAMAGED, document.place(scalar.start))
    if data.get("version") != VERSION:
        message = f"the annotation {INJECTED} is of a version that this program does not know; use a newer sidecar-plugin"
        raise ManifestError(message, document.place(scalar.start))
    return data


def _is_manifest(document: Document, node: Mapping) -> bool:
    scalar = _annotation(document, node)
    return scalar is not None and "manifest" in _load(document, scalar)


def _marker_of(document: Document, node: Mapping) -> Marker | None:
    scalar = _annotation(document, node)
    spec = effective_pair(node, "spec")
    if scalar is None or spec is None or not isinstance(follow(spec[1]), Mapping):
        return None
    data = _load(document, scalar)
    agents, added = data.get("agents"), data.get("added")
    created: Any = data.get("created")
    nulls: Any = data.get("nulls", [])
    joined: Any = data.get("joined", {})
    if (
        not isinstance(agents, dict)
        or not isinstance(added, dict)
        or not all(re.fullmatch(_EXTENDED, path) and _are_strings(names) for path, names in added.items())
        or not all(_are_strings(paths) and all(re.fullmatch(_CREATED, path) for path in paths) for paths in (created, nulls))
        or not isinstance(joined, dict)
        or not all(isinstance(text, str) and text for text in joined.values())
    ):
        raise ManifestError(_DAMAGED, document.place(scalar.start))
    return Marker(agents, added, created, nulls, joined)


def _are_strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


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
