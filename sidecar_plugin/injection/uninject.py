"""Removing an injection from the text of a document by its marker.

What is removed is decided on the nodes, and removed from the text in one step for each mapping and list. The result is parsed
and compared with the same removal on the nodes: on text that another tool reprinted it is right, or the document is refused.
"""

from collections.abc import Iterable, Iterator

from sidecar_plugin.errors import ManifestError
from sidecar_plugin.injection.marker import INJECTED, Annotation, Marker, annotation_of, has_marker, has_spec, identity_key
from sidecar_plugin.injection.removal import EMPTY, Gone
from sidecar_plugin.injection.removed import Names, Removals, Removed, by_owner, placed
from sidecar_plugin.injection.stream import AgentManifest, check_foreign, identity_of, split_manifests
from sidecar_plugin.injection.target_ports import put_back
from sidecar_plugin.kubernetes.containers import LISTS
from sidecar_plugin.runtime.report import Outcome, Results
from sidecar_plugin.yamledit.access import check_once, effective_pair, items_at, scalar_text, value_at
from sidecar_plugin.yamledit.documents import Document, split
from sidecar_plugin.yamledit.nodes import Mapping, Node, Scalar, Sequence, follow, walk
from sidecar_plugin.yamledit.removal import span_of_comment_mark, span_of_more
from sidecar_plugin.yamledit.source import Source


def remove(document: Document) -> tuple[Document, Removals]:
    """Return the document as it was before injection, and what was removed.

    Raises ManifestError, with the place, for a marker that cannot be read or that names containers of the application, and for
    text that cannot be left valid.
    """
    root = document.parse().root
    gone = Gone()
    removals = Removals([], [])
    for annotation in _annotations(document, root, gone, removals.manifests):
        node = annotation.node
        if annotation.is_of_service:
            service = annotation.service_marker()
            parts = put_back(node, service, gone)
            parts |= _Removal(document, node, Marker({}, {}, service.created, service.nulls, {}), gone).run()
            removals.removed.append(Removed(service.agents, {}, parts, node))
        elif has_spec(node):
            marker = annotation.marker()
            _check(document, node, annotation.scalar, marker)
            parts = _Removal(document, node, marker, gone).run()
            containers = {str(entry.get("container")): agent for agent, entry in marker.agents.items()}
            removals.removed.append(Removed(list(marker.agents), containers, parts, node))
    if root is None or gone.is_empty:
        return document, removals
    edits = gone.edits(document.text)
    without = document.edited(edits)
    _check_result(document, root, gone, without)
    return without, removals._replace(removed=list(placed(removals.removed, root, edits)))


def _annotations(document: Document, root: Node | None, gone: Gone, manifests: list[AgentManifest]) -> Iterator[Annotation]:
    """Yield the markers below `root`; items of lists that are manifests of agents are removed and added to `manifests`."""
    read: dict[int, Annotation | None] = {}  # of the items of lists, which are seen before themselves
    for node in walk(root) if root is not None else ():
        if isinstance(node, Sequence):
            for index, item in enumerate(node.items):
                found = annotation_of(document, item) if isinstance(item, Mapping) else None
                read[id(item)] = found
                if found is not None and found.manifest_agent is not None:
                    gone.add_items(node, {index})
                    read[id(item)] = None
                    manifests.append(AgentManifest(document, item.start, identity_of(found.node), found.manifest_agent))
        elif isinstance(node, Mapping):
            found = read[id(node)] if id(node) in read else annotation_of(document, node)
            if found is not None:
                yield found


def _check(document: Document, template: Mapping, scalar: Scalar, marker: Marker) -> None:
    """Raise ManifestError for a marker that would remove what no agent adds: the application's containers, a volume that the
    application mounts by itself, and anything where it names no agent."""
    agents = {entry.get("container") for entry in marker.agents.values() if isinstance(entry, dict)}
    claimed = set(marker.added.get("spec.containers", ()))
    if not claimed <= agents:
        name = min(claimed - agents)
        message = f'the annotation {INJECTED} says that the container "{name}" was injected, and names no agent for it'
        raise ManifestError(f"{message}; remove the annotation, or what was injected, by hand", document.place(scalar.start))
    if marker.added and not marker.agents:
        message = f"the annotation {INJECTED} says that something was injected, and names no agent"
        raise ManifestError(f"{message}; remove the annotation by hand", document.place(scalar.start))
    names = {_name(item, "name") for item in items_at(template, "spec", "containers")}
    if claimed and names and names <= claimed:
        message = f"the annotation {INJECTED} says that every container of the pod was injected"
        raise ManifestError(f"{message}; remove the annotation by hand", document.place(scalar.start))
    _check_volumes(document, value_at(template, "spec"), marker)


def _check_volumes(document: Document, spec: Node | None, marker: Marker) -> None:
    """Raise ManifestError, at the mount, for a volume to remove that a container mounts which stays, in a mount which stays."""
    volumes = set(marker.added.get("spec.volumes", ()))
    if not volumes:
        return
    lists = {key: items_at(spec, key) for key in LISTS}
    there = {f"spec.{key}[{_name(item, 'name')}].volumeMounts" for key, items in lists.items() for item in items}
    renamed = {
        path for key, paths in marker.added.items() if key.endswith("].volumeMounts") and key not in there for path in paths
    }
    for key, containers in lists.items():
        for item in containers:
            if _name(item, "name") in marker.added.get(f"spec.{key}", ()):
                continue
            mounts = renamed.union(marker.added.get(f"spec.{key}[{_name(item, 'name')}].volumeMounts", ()))
            for mount in items_at(item, "volumeMounts"):
                if _name(mount, "name") in volumes and _name(mount, "mountPath") not in mounts:
                    message = f'the container "{_name(item, "name")}" mounts the volume "{_name(mount, "name")}"'
                    remedy = f"which the annotation {INJECTED} says was injected; remove the mount, or the annotation, by hand"
                    raise ManifestError(f"{message}, {remedy}", document.place(mount.start))


def _check_result(document: Document, root: Node, gone: Gone, without: Document) -> None:
    """Raise ManifestError if the text does not mean what the nodes mean without what is gone."""
    try:
        after = without.parse().root
        is_right = gone.content(root) == (EMPTY if after is None else Gone().content(after))
    except (ManifestError, RecursionError):
        is_right = False
    if not is_right:
        message = "what was injected cannot be removed safely, as another tool has rewritten the text since"
        raise ManifestError(f"{message}; render the manifest anew, or remove it by hand", document.place(root.start))


class _Removal:
    """Decides what one marker removes from its pod template."""

    __slots__ = ("_containers", "_document", "_gone", "_marker", "_parts", "_template", "_text")

    def __init__(self, document: Document, template: Mapping, marker: Marker, gone: Gone) -> None:
        self._document = document
        self._text = document.text
        self._template = template
        self._marker = marker
        self._gone = gone
        self._containers: dict[str, dict[str | None, Node]] = {}
        self._parts: Names = {}

    def run(self) -> Names:
        """Note in `gone` what is removed; return its names."""
        self._shorten()
        whole: set[str] = set()
        annotations = [*self._marker.added.get("metadata.annotations", ()), INJECTED]
        for path, listed in {**self._marker.added, "metadata.annotations": annotations}.items():
            names = set(listed)
            found = self._find(path)
            if found is None:
                self._remove_from_renamed(path, names)
                continue
            parent, key, node = found
            if isinstance(node, Sequence):
                identity = identity_key(path)
                there = [_name(item, identity) for item in node.items]
            elif isinstance(node, Mapping):
                for name in names:
                    check_once(self._document, node, name, "")
                there = [name.value for name, _ in node.pairs]
            else:
                continue
            gone = {index for index, name in enumerate(there) if name in names}
            count = len(there)
            self._note(path, [name for name in there if name in names and name != INJECTED])
            if len(gone) == count and path in self._marker.created:
                whole.add(path)
                self._remove_pair(parent, key)
                continue
            if isinstance(node, Sequence):
                self._gone.add_items(node, gone)
            else:
                self._gone.add_pairs(node, gone)
            if len(gone) == count and path in self._marker.nulls and span_of_comment_mark(self._text, key):
                self._gone.emptied[id(node)] = key
        if "metadata" in self._marker.created or "metadata" in self._marker.nulls:
            self._remove_metadata(whole)
        return self._parts

    def _note(self, path: str, names: Iterable[str | None]) -> None:
        if listed := [name for name in names if name is not None]:
            self._parts.setdefault(path, []).extend(listed)

    def _shorten(self) -> None:
        """Remove the names of containers that were appended to the values of annotations."""
        found = self._find("metadata.annotations") if self._marker.joined else None
        for key, more in self._marker.joined.items():
            pair = found[2].pair(key) if found and isinstance(found[2], Mapping) else None
            if pair is not None and isinstance(pair[1], Scalar) and span_of_more(self._text, pair[1], more):
                self._gone.more[id(pair[1])] = (pair[1], more)
                self._note(f"metadata.annotations[{key}]", [more])

    def _remove_metadata(self, whole: set[str]) -> None:
        found = self._find("metadata")
        if found is None:
            return
        parent, key, metadata = found
        if not isinstance(metadata, Mapping):
            return
        if any(f"metadata.{name.value}" not in whole for name, _ in metadata.pairs):
            return  # somebody has added something since
        if "metadata" not in self._marker.nulls:
            self._remove_pair(parent, key)
        elif span_of_comment_mark(self._text, key):
            self._gone.emptied[id(metadata)] = key

    def _remove_pair(self, parent: Mapping, key: Scalar) -> None:
        self._gone.add_pairs(parent, {index for index, (name, _) in enumerate(parent.pairs) if name is key})

    def _remove_from_renamed(self, path: str, names: set[str]) -> None:
        """Remove the mounts of a container that has another name now: their volumes go, and mounts of nothing would stay."""
        volumes = set(self._marker.added.get("spec.volumes", ()))
        found = [(key, self._find(f"spec.{key}")) for key in LISTS] if path.endswith("].volumeMounts") else []
        lists = [(key, each[2].items) for key, each in found if each and isinstance(each[2], Sequence)]
        for key, item in ((key, item) for key, items in lists for item in items):
            container = follow(item)
            pair = self._pair(container, "volumeMounts") if isinstance(container, Mapping) else None
            mounts = follow(pair[1]) if pair else None
            if isinstance(container, Mapping) and pair and isinstance(mounts, Sequence):
                ours = {
                    index
                    for index, mount in enumerate(mounts.items)
                    if _name(mount, "mountPath") in names and _name(mount, "name") in volumes
                }
                self._note(
                    f"spec.{key}[{_name(item, 'name')}].volumeMounts",
                    [_name(mounts.items[index], "mountPath") for index in sorted(ours)],
                )
                if len(ours) == len(mounts.items) and ours and path in self._marker.created:
                    self._remove_pair(container, pair[0])
                else:
                    self._gone.add_items(mounts, ours)

    def _find(self, path: str) -> tuple[Mapping, Scalar, Node] | None:
        """Return mapping, key and value of `spec.volumes`, `spec.containers[app].env` and their like."""
        node: Node = self._template
        container = ""
        list_name = next((key for key in LISTS if path.startswith(f"spec.{key}[") and "]." in path), "")
        if list_name:
            container, _, last = path.removeprefix(f"spec.{list_name}[").rpartition("].")
            steps = ["spec", list_name]
        else:
            *steps, last = path.split(".")
        for step in steps:
            pair = self._pair(node, step) if isinstance(node, Mapping) else None
            if pair is None:
                return None
            node = follow(pair[1])
        if container:
            found = self._container(list_name, node, container)
            if found is None:
                return None
            node = found
        if not isinstance(node, Mapping):
            return None
        pair = self._pair(node, last)
        return (node, pair[0], follow(pair[1])) if pair else None

    def _pair(self, mapping: Mapping, key: str) -> tuple[Scalar, Node] | None:
        """Return the pair of a key. Raises ManifestError where it stands twice: what is removed from one the other may hold."""
        check_once(self._document, mapping, key, "")
        return effective_pair(mapping, key)

    def _container(self, list_name: str, containers: Node, name: str) -> Node | None:
        """Return the first container of that name in the list; all names are read once."""
        if list_name not in self._containers:
            items = containers.items if isinstance(containers, Sequence) else []
            self._containers[list_name] = {_name(item, "name"): follow(item) for item in reversed(items)}
        return self._containers[list_name].get(name)


def _name(item: Node, identity: str) -> str | None:
    return scalar_text(follow(item), identity)


def _manifest_outcome(manifest: AgentManifest) -> Outcome:
    return Outcome(manifest.place, *manifest.identity, (), (manifest.agent,), note="a manifest of it")


def uninject(source: Source, results: Results) -> str:
    """Return the stream as it was before any injection. Raises ManifestError, with the place."""
    pieces = []
    documents, manifests = split_manifests(split(source))
    for manifest in manifests:
        results.outcomes.append(_manifest_outcome(manifest))
    for document in documents:
        if not has_marker(document):
            check_foreign(document)
            pieces.append(document.text)
            continue
        without, removals = remove(document)
        pieces.append(without.text)
        results.outcomes += map(_manifest_outcome, removals.manifests)
        results.outcomes += [each.outcome(document, each.parts) for each in by_owner(removals.removed)]
    return "".join(pieces)
