"""Writing a additions into the text of a pod template, with the marker that tells what was written."""

from itertools import chain
from typing import Any

from sidecar_plugin.errors import ManifestError
from sidecar_plugin.injection.additions import PodAdditions
from sidecar_plugin.injection.marker import INJECTED, Marker
from sidecar_plugin.injection.pod_metadata import MetadataAdditions
from sidecar_plugin.injection.positions import Data, ListAdditions
from sidecar_plugin.kubernetes.pod_templates import PodTemplate
from sidecar_plugin.yamledit.access import check_once, effective_pair, scalar_text
from sidecar_plugin.yamledit.aliases import Sharing
from sidecar_plugin.yamledit.editor import EditError, Editor
from sidecar_plugin.yamledit.equality import same_data
from sidecar_plugin.yamledit.nodes import Mapping, Node, Scalar, Sequence, Tree, follow, is_null, kind_of


class _Wish:
    """What a node is to be extended by: `keys` or `items`, and how many places of the pod ask for it."""

    __slots__ = ("data", "node", "path", "times", "what")

    def __init__(self, node: Sequence | Mapping, what: str, data: Any, path: str) -> None:
        self.node = node
        self.what = what
        self.data = data
        self.path = path
        self.times = 1


class PodWriter:
    """Writes one additions. Inner things first: what is inserted at one place comes out in that order."""

    __slots__ = ("_editor", "_marker", "_new_keys", "_pod", "_sharing", "_wishes")

    def __init__(self, pod: PodTemplate, tree: Tree, editor: Editor) -> None:
        self._pod = pod
        self._editor = editor
        self._sharing = Sharing(tree.root) if tree.has_aliases and tree.root else None
        self._marker = Marker({}, {}, [], [], {})
        self._new_keys: dict[int, set[str]] = {}
        self._wishes: dict[int, list[_Wish]] = {}  # by their node

    def write(self, additions: PodAdditions) -> None:
        """Insert all of the additions and the marker. Raises ManifestError for what cannot be extended as it is written."""
        self._marker.agents.update(
            {
                injected.agent: {"declaration": injected.declaration, "container": injected.container}
                for injected in additions.agents
            }
        )
        try:
            self._write(additions)
        except EditError as error:
            raise ManifestError(error.message, self._pod.document.place(error.offset), f"{self._pod.path}spec") from None

    def _write(self, additions: PodAdditions) -> None:
        self._marker.added.update(additions.names())
        places: dict[str, int] = {}
        for container, lists in additions.application.lists():
            name = scalar_text(container, "name") or ""
            list_name = additions.contents.list_name(container)
            self._check_name(container, name, list_name, places)
            items = {key: ListAdditions([], {}, listed) for key, listed in lists.items()}
            self._extend(container, f"spec.{list_name}[{name}]", items)
        self._extend(self._pod.spec, "spec", additions.lists(), before={"initContainers": "containers"})
        self._lengthen(additions)
        self._write_metadata(additions.metadata)
        self._check_sharing()

    def _check_name(self, container: Mapping, name: str, list_name: str, places: dict[str, int]) -> None:
        """Raise ManifestError for a container that cannot be told from the others, as the marker has to."""
        check_once(self._pod.document, container, "name", f"{self._pod.path}spec.{list_name}.")
        if not name:
            raise self._error("the container has no name", container, f"spec.{list_name}")
        if places.setdefault(name, id(container)) != id(container):
            raise self._error(f'two containers have the name "{name}"', container, f"spec.{list_name}")

    def _extend(
        self,
        mapping: Mapping,
        path: str,
        lists: dict[str, ListAdditions],
        before: dict[str, str] | None = None,
    ) -> None:
        """Insert items into the mapping's lists, then add the lists that are missing."""
        missing: dict[str, list[Data]] = {}
        for key, additions in lists.items():
            items = additions.all()
            if not items:
                continue
            pair = effective_pair(mapping, key)
            if pair is None:
                missing[key] = items
            elif is_null(follow(pair[1])):
                self._fill(mapping, pair, f"{path}.{key}", items)
            else:
                node = follow(pair[1])
                if not isinstance(node, Sequence):
                    raise self._error(f"must be a list, but is {kind_of(node)}", node, f"{path}.{key}")
                if self._claim(node, "items", additions, f"{path}.{key}"):
                    self._insert(node, additions)
        for key, items in missing.items():
            self._marker.created.append(f"{path}.{key}")
            self._add(mapping, path, {key: items}, (before or {}).get(key, ""))

    def _insert(self, node: Sequence, additions: ListAdditions) -> None:
        if additions.first:
            self._editor.prepend(node, additions.first)
        for index, items in additions.behind.items():
            self._editor.insert_behind(node, index, items)
        if additions.last:
            self._editor.append(node, additions.last)

    def _lengthen(self, additions: PodAdditions) -> None:
        for key, annotations, scalar, text in additions.metadata.joined():
            if self._sharing is not None and self._sharing.uses(scalar, {}, set()) != 1:
                raise self._error("is shared with other places through an alias, which must not change", scalar, "metadata")
            self._marker.joined[key] = text
            self._editor.lengthen(annotations, scalar, text)

    def _write_metadata(self, additions: MetadataAdditions) -> None:
        strings = additions.strings()
        pair = effective_pair(self._pod.template, "metadata")
        metadata = follow(pair[1]) if pair else None
        kinds = [kind for kind in ("labels", "annotations") if strings[kind] or kind == "annotations"]
        if metadata is None or is_null(metadata):
            self._marker.created.extend(f"metadata.{kind}" for kind in kinds)
            if pair is None:
                self._marker.created.append("metadata")
            else:
                self._marker.nulls.append("metadata")
            whole = {kind: self._entries(kind, additions, strings) for kind in kinds}
            if pair is None:
                self._add(self._pod.template, "", {"metadata": whole}, "spec")
            else:
                self._fill_now(self._pod.template, pair, "metadata", whole)
            return
        if not isinstance(metadata, Mapping):
            raise self._error(f"must be a mapping, but is {kind_of(metadata)}", metadata, "metadata")
        for kind in kinds:
            check_once(self._pod.document, metadata, kind, f"{self._pod.path}metadata.")
        found = {kind: effective_pair(metadata, kind) for kind in kinds}
        for kind, entry in found.items():  # the marker tells of all that was created, so that is settled first
            if entry is None:
                self._marker.created.append(f"metadata.{kind}")
            elif is_null(follow(entry[1])) and follow(entry[1]).end > follow(entry[1]).start:
                self._marker.nulls.append(f"metadata.{kind}")
        for kind, entry in found.items():
            node = follow(entry[1]) if entry else None
            if entry is None or node is None:
                continue
            if is_null(node):
                self._fill_now(metadata, entry, f"metadata.{kind}", self._entries(kind, additions, strings))
            elif isinstance(node, Mapping):
                self._add(node, f"metadata.{kind}", self._entries(kind, additions, strings))
            else:
                raise self._error(f"must be a mapping, but is {kind_of(node)}", node, f"metadata.{kind}")
        missing = {kind: self._entries(kind, additions, strings) for kind, entry in found.items() if entry is None}
        if missing:
            self._add(metadata, "metadata", missing)

    def _entries(self, kind: str, additions: MetadataAdditions, strings: dict[str, dict[str, str]]) -> dict[str, str]:
        """Return what is added to the labels or the annotations, with the marker, which is complete by then."""
        if kind != "annotations":
            return strings[kind]
        marker = {INJECTED: self._marker.to_json()}
        additions.check_size(marker)
        return {**strings[kind], **marker}

    def _fill(self, mapping: Mapping, pair: tuple[Scalar, Node], path: str, data: Any) -> None:
        null = follow(pair[1])
        if null.end > null.start:
            self._marker.nulls.append(path)
        self._fill_now(mapping, pair, path, data)

    def _fill_now(self, mapping: Mapping, pair: tuple[Scalar, Node], path: str, data: Any) -> None:
        if pair not in mapping.pairs or not isinstance(pair[1], Scalar):
            raise self._error("null behind an alias or a merge key cannot be filled; leave it out", pair[1], path)
        if self._claim(mapping, "keys", {pair[0].value: data}, path):
            self._editor.fill(mapping, pair[0], pair[1], data)

    def _add(self, mapping: Mapping, path: str, entries: dict[str, Any], before: str = "") -> None:
        self._new_keys.setdefault(id(mapping), set()).update(entries)
        if self._claim(mapping, "keys", entries, path):
            self._editor.add(mapping, entries, before)

    def _error(self, message: str, node: Node, path: str) -> ManifestError:
        return ManifestError(message, self._pod.document.place(node.start), self._pod.path + path)

    def _claim(self, node: Sequence | Mapping, what: str, data: Any, path: str) -> bool:
        """Say whether this is the first wish to extend the node by that; a second, equal one comes through an alias."""
        if self._sharing is None:
            return True
        wishes = self._wishes.setdefault(id(node), [])
        for wish in wishes:
            if wish.what == what and same_data(wish.data, data):
                wish.times += 1
                return False
        wishes.append(_Wish(node, what, data, path))
        return True

    def _check_sharing(self) -> None:
        """Raise ManifestError if something that was extended shows, through an alias, where it was not to."""
        for wish in chain.from_iterable(self._wishes.values()):
            assert self._sharing is not None
            added = set(wish.data) if wish.what == "keys" else set()
            if self._sharing.uses(wish.node, self._new_keys, added) != wish.times:
                message = "is shared with other places through an alias, which must not change; write it out here"
                raise self._error(message, wish.node, wish.path)
