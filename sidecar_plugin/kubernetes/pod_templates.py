"""Where Kubernetes' workloads keep their pod templates, and reading one out of a document.

A new workload kind is a line in POD_TEMPLATES. Source: the API reference of each kind,
https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from sidecar_plugin.errors import ManifestError
from sidecar_plugin.kubernetes.workload_kinds import BUILT_IN_GROUPS, POD_TEMPLATES, RUN_TO_COMPLETION, CustomWorkload
from sidecar_plugin.yamledit.access import FieldReader, check_once, effective_pair, scalar_text
from sidecar_plugin.yamledit.construct import DataError, to_data
from sidecar_plugin.yamledit.documents import Document
from sidecar_plugin.yamledit.nodes import Mapping, Sequence, Target, follow, kind_of

_ESCAPED = r"\\[xuU\n\r\x85\u2028\u2029]"


class PodTemplate(NamedTuple):
    """One workload and its pod template as nodes of a document.

    `path` is the field path of the pod template in the document; `spec`, `metadata` are the template's own.
    """

    document: Document
    api_version: str
    kind: str
    name: str
    namespace: str
    labels: dict[str, str]
    annotations: dict[str, str]
    root: Mapping
    template: Mapping
    spec: Mapping
    path: str
    metadata_nodes: tuple[Mapping, ...]

    @property
    def offset(self) -> int:
        """Where the workload begins in its document."""
        return self.root.first


class Skipped(NamedTuple):
    """A workload that has no pod to inject into, and why."""

    document: Document
    kind: str
    name: str
    namespace: str
    reason: str
    offset: int


class WorkloadKinds:
    """The kinds that have pod templates: Kubernetes' own and the settings' custom ones."""

    __slots__ = ("_custom", "_kinds")

    def __init__(self, custom: tuple[CustomWorkload, ...] = ()) -> None:
        self._custom = {(workload.group, workload.kind): workload.pod_template for workload in custom}
        self._kinds = tuple({*POD_TEMPLATES, *(workload.kind for workload in custom)})

    @classmethod
    def of(cls, custom: list[dict[str, Any]]) -> "WorkloadKinds":
        """Return the kinds with those of the settings' key `workloads`."""
        return cls(tuple(CustomWorkload(each["group"], each["kind"], tuple(each["podTemplate"].split("."))) for each in custom))

    def may_occur(self, text: str) -> bool:
        """Say whether a workload can be in `text`: if its kind does not stand there in letters, nor escaped, it is not."""
        for kind in self._kinds:
            if kind in text and _stands_alone(kind, text):
                return True
        return has_escaped_letters(text)

    def pod_template_path(self, group: str, kind: str) -> tuple[str, ...] | None:
        """Return the fields that lead to the pod template of that kind, None if it has none."""
        path = self._custom.get((group, kind))
        if path is None and group in BUILT_IN_GROUPS:
            path = POD_TEMPLATES.get(kind)
        return path

    def find(self, document: Document, root: Target | None) -> Iterator[PodTemplate | Skipped]:
        """Yield the workloads of a document, those of its List included.

        Raises ManifestError for a field of the wrong type on the way to a pod template, with its place.
        """
        if isinstance(root, Mapping):
            yield from self._find(FieldReader(document), root, "", "", "", set())

    def _find(
        self, reader: FieldReader, root: Mapping, path: str, list_version: str, list_kind: str, seen: set[int]
    ) -> Iterator[PodTemplate | Skipped]:
        if id(root) in seen:
            return  # the same node once more, through an alias: there is one text to edit
        seen.add(id(root))
        kind = reader.optional_text(root, "kind", path) or list_kind
        holds_workloads = kind in ("List", "ResourceList") or (
            kind.endswith("List") and kind.removesuffix("List") in POD_TEMPLATES
        )
        if holds_workloads:
            reader.sequence(root, "items", path)
        api_version = reader.optional_text(root, "apiVersion", path) or (list_version if list_kind == kind else "")
        if kind.endswith("List") and isinstance(items := root.get("items"), Sequence):
            # An API server's typed list leaves kind and version out of its items; kubectl fills them in so too.
            for index, item in enumerate(items.items):
                target = follow(item)
                if isinstance(target, Mapping):
                    inside = f"{path}items[{index}]."
                    yield from self._find(reader, target, inside, api_version, kind.removesuffix("List"), seen)
            return
        if not api_version:
            return
        group = api_version.rpartition("/")[0]
        steps = self.pod_template_path(group, kind)
        if steps is None:
            return
        yield self._read(reader, root, path, api_version, kind, steps)

    def _read(
        self, reader: FieldReader, root: Mapping, path: str, api_version: str, kind: str, steps: tuple[str, ...]
    ) -> PodTemplate | Skipped:
        metadata = reader.mapping(root, "metadata", path)
        name = namespace = ""
        if metadata:
            name = reader.optional_text(metadata, "name", f"{path}metadata.")
            name = name or reader.optional_text(metadata, "generateName", f"{path}metadata.")
            namespace = reader.optional_text(metadata, "namespace", f"{path}metadata.")

        def skipped(reason: str) -> Skipped:
            return Skipped(reader.document, kind, name, namespace, reason, root.first)

        template = root
        for step in steps:
            found = reader.mapping(template, step, path)
            path = f"{path}{step}."
            if found is None:
                return skipped(f"{path[:-1]} is missing")
            template = found
        spec = reader.mapping(template, "spec", path)
        if spec is None:
            return skipped(f"{path}spec is missing")
        containers = reader.sequence(spec, "containers", f"{path}spec.")
        if containers is None or not containers.items:
            return skipped(f"{path}spec.containers is empty")
        for index, item in enumerate(containers.items):
            if not isinstance(follow(item), Mapping):
                raise reader.error(f"must be a mapping, but is {kind_of(item)}", item, f"{path}spec.containers[{index}]")
        check_once(reader.document, spec, "initContainers", f"{path}spec.")
        check_once(reader.document, spec, "volumes", f"{path}spec.")
        metadata_nodes = [metadata] if metadata else []
        own = reader.mapping(template, "metadata", path) if steps else None
        if own:
            metadata_nodes.append(own)
        labels: dict[str, str] = {}
        annotations: dict[str, str] = {}
        for node in metadata_nodes:
            labels.update(reader.strings(node, "labels"))
            annotations.update(reader.strings(node, "annotations"))
        return PodTemplate(
            reader.document, api_version, kind, name, namespace, labels, annotations, root, template, spec, path,
            tuple(metadata_nodes),
        )  # fmt: skip


def _stands_alone(kind: str, text: str) -> bool:
    """Say whether the word or its list, `PodList`, stands in `text` and not as a part of another, as in PodDisruptionBudget."""
    found = text.find(kind)
    while found >= 0:
        end = found + len(kind)
        if text.startswith("List", end):
            end += 4
        if not _is_letter(text[end : end + 1]) and not _is_letter(text[found - 1 : found] if found else ""):
            return True
        found = text.find(kind, end)
    return False


def _is_letter(character: str) -> bool:
    return character.isascii() and character.isalpha()


def has_escaped_letters(text: str) -> bool:
    """Say whether a word can stand in `text` in letters that are escaped (YAML 1.2.2, 5.7), so that a search would miss it."""
    return "\\" in text and re.search(_ESCAPED, text) is not None


def runs_to_completion(pod: PodTemplate) -> bool:
    """Say whether the pod ends by itself: one of a Job, or one that is not restarted."""
    return pod.kind in RUN_TO_COMPLETION or scalar_text(pod.spec, "restartPolicy") in ("Never", "OnFailure")


def workload_data(pod: PodTemplate) -> dict[str, Any]:
    """Return what templates see as `workload`. Raises ManifestError for ports or resources that have no plain data."""
    return {
        "kind": pod.kind,
        "name": pod.name,
        "namespace": pod.namespace,
        "labels": pod.labels,
        "annotations": pod.annotations,
        "containers": _containers_data(pod),
    }


def _containers_data(pod: PodTemplate) -> list[dict[str, Any]]:
    """Return name, image, ports and resources of each of the pod's containers."""
    found = effective_pair(pod.spec, "containers")
    assert found is not None
    containers = follow(found[1])
    assert isinstance(containers, Sequence)
    seen = []
    for item in containers.items:
        container = follow(item)
        assert isinstance(container, Mapping)
        data: dict[str, Any] = {"name": "", "image": "", "ports": [], "resources": {}}
        for key, default in list(data.items()):
            pair = effective_pair(container, key)
            try:
                value = to_data(pair[1]) if pair else None
            except DataError as error:
                raise ManifestError(error.message, pod.document.place(error.offset), f"{pod.path}spec.containers") from None
            if value is not None and isinstance(value, type(default)):
                data[key] = value
        seen.append(data)
    return seen
