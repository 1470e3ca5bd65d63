"""Finding the pod templates in a document.

`workload_kinds` says where each kind keeps its pod templates. A document of another kind that holds something like a pod
template is reported, because its pods would run without agents.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sidecar_plugin.errors import SettingsError
from sidecar_plugin.kubernetes.text_search import CONTAINERS, has_escaped_letters, like_a_pod_template, stands_alone
from sidecar_plugin.kubernetes.workload_kinds import (
    KUBERNETES_GROUPS,
    KUBERNETES_KINDS,
    TABLE,
    WorkloadKind,
    check_kind,
    merged,
    steps_of,
)
from sidecar_plugin.yamledit.access import FieldReader, check_once, scalar_text
from sidecar_plugin.yamledit.documents import Document
from sidecar_plugin.yamledit.nodes import Mapping, Sequence, Target, follow, kind_of

_KINDS = dict(merged(TABLE))
_NOT_WORKLOADS = frozenset((
    "apiextensions.k8s.io", "admissionregistration.k8s.io", "sidecar-plugin.dev", "kyverno.io", "policies.kyverno.io",
    "templates.gatekeeper.sh", "constraints.gatekeeper.sh", "mutations.gatekeeper.sh", "helm.toolkit.fluxcd.io",
    "kustomize.config.k8s.io", "config.kubernetes.io", "auto.gke.io",
))  # fmt: skip
"""API groups whose objects describe or select pods, or hold values of charts, and run none."""


class PodTemplate(NamedTuple):
    """One pod template of a workload, as nodes of a document.

    `path` is the field path of the pod template with a dot at its end, `part` is `path` without it where the workload has
    several. `labels` and `annotations` are those of every `metadata` from the workload to the pod template, the nearest wins.
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
    completes: bool = False
    part: str = ""

    @property
    def offset(self) -> int:
        """Where the workload begins in its document."""
        return self.root.first


class Skipped(NamedTuple):
    """A workload without a pod to inject into, and why. `is_unknown` marks a kind that is not in the table."""

    document: Document
    kind: str
    name: str
    namespace: str
    labels: dict[str, str]
    annotations: dict[str, str]
    reason: str
    offset: int
    is_unknown: bool = False


class _Owner(NamedTuple):
    """The object that holds pod templates: what is read once for all of them."""

    reader: FieldReader
    root: Mapping
    path: str
    api_version: str
    kind: str
    name: str
    namespace: str

    def skipped(self, reason: str, is_unknown: bool = False) -> Skipped:
        labels, annotations = _strings(self.reader, _metadata_on(self.reader, [self.root], self.path))
        document = self.reader.document
        return Skipped(document, self.kind, self.name, self.namespace, labels, annotations, reason, self.root.first, is_unknown)


class WorkloadKinds:
    """The kinds with pod templates: those of the table, and those that the settings add."""

    __slots__ = ("_custom", "_rows", "_words", "unused")

    def __init__(self, custom: tuple[WorkloadKind, ...] = ()) -> None:
        self._custom = dict(merged(custom))
        self._rows = {**_KINDS, **{key: self._with_table(key, rows) for key, rows in self._custom.items()}}
        self._words = tuple({*KUBERNETES_KINDS, *(row.kind for row in custom)})
        self.unused = dict.fromkeys(self._custom)
        """The kinds of the settings that were not found yet, as group and kind."""

    @classmethod
    def of(cls, custom: list[dict[str, Any]]) -> "WorkloadKinds":
        """Return the kinds with those of the settings' key `workloads`.

        Raises SettingsError, its field beginning with the index, for an entry that no object can match.
        """
        rows = []
        for index, entry in enumerate(custom):
            paths = entry["podTemplate"] if isinstance(entry["podTemplate"], list) else [entry["podTemplate"]]
            try:
                check_kind(entry["group"], entry["kind"], paths)
            except SettingsError as error:
                raise SettingsError(error.message, field=f"{index}.{error.field}") from None
            completes = bool(entry.get("runsToCompletion"))
            rows.append(WorkloadKind(entry["group"], entry["kind"], tuple(paths), "the settings", completes))
        return cls(tuple(rows))

    @staticmethod
    def _with_table(key: tuple[str, str], rows: tuple[WorkloadKind, ...]) -> tuple[WorkloadKind, ...]:
        """Return the rows of the settings, and those of the table with the paths that the settings do not name."""
        named = {path for row in rows for path in row.paths}
        known = (row._replace(paths=tuple(path for path in row.paths if path not in named)) for row in _KINDS.get(key, ()))
        return (*rows, *(row for row in known if row.paths))

    def listed(self) -> list[tuple[str, str]]:
        """Return group and kind of all that pods can be found in."""
        return [key for key, rows in self._rows.items() if key in self._custom or not any(row.refused for row in rows)]

    def may_occur(self, text: str) -> bool:
        """Say whether a pod template can be in `text`: none is, if neither `containers` nor a known kind occurs in it."""
        if CONTAINERS in text or has_escaped_letters(text):
            return True
        for kind in self._words:  # noqa: SIM110  # `any` would make a generator for each document
            if kind in text and stands_alone(kind, text):
                return True
        return False

    def find(self, document: Document, root: Target | None) -> Iterator[PodTemplate | Skipped]:
        """Yield the pod templates of a document, those of its List included, and the workloads that have none.

        Raises ManifestError for a field of the wrong type on the way to a pod template, with its place.
        """
        if isinstance(root, Mapping):
            yield from self._find(FieldReader(document), root, "", "", "", set())

    def _find(
        self, reader: FieldReader, root: Mapping, path: str, list_version: str, list_kind: str, seen: set[int]
    ) -> Iterator[PodTemplate | Skipped]:
        if id(root) in seen:
            return  # the same node again, through an alias: its text is edited once
        seen.add(id(root))
        kind = reader.optional_text(root, "kind", path) or list_kind
        if kind in ("List", "ResourceList") or (kind.endswith("List") and kind.removesuffix("List") in KUBERNETES_KINDS):
            reader.sequence(root, "items", path)
        api_version = reader.optional_text(root, "apiVersion", path) or (list_version if list_kind == kind else "")
        if kind.endswith("List") and isinstance(items := root.get("items"), Sequence):
            # A typed list of the API server leaves out kind and version of its items; kubectl fills them in the same way.
            for index, item in enumerate(items.items):
                target = follow(item)
                if isinstance(target, Mapping):
                    inside = f"{path}items[{index}]."
                    yield from self._find(reader, target, inside, api_version, kind.removesuffix("List"), seen)
            return
        if not api_version or not kind:
            if kind or api_version:
                reason = f"not injected, as the object has no {'kind' if api_version else 'apiVersion'}"
                yield from self._unknown(reader, root, path, (api_version, kind or "?"), reason)
            return
        group = api_version.rpartition("/")[0]
        rows = self._rows.get((group, kind))
        self.unused.pop((group, kind), None)
        if rows is None:
            reason = "not injected; name it under workloads or exclude it"
            yield from self._unknown(reader, root, path, (api_version, kind), reason)
            return
        owner = _owner(reader, root, path, api_version, kind)
        if refused := "" if (group, kind) in self._custom else next((row.refused for row in rows if row.refused), ""):
            yield owner.skipped(f"not injected: {refused}", is_unknown=True)
            return
        yield from _pod_templates(owner, rows)

    def _unknown(self, reader: FieldReader, root: Mapping, path: str, names: tuple[str, str], reason: str) -> Iterator[Skipped]:
        """Yield one Skipped for an object in which something like a pod template is; `names` are its version and kind."""
        group, kind, text = names[0].rpartition("/")[0], names[1], reader.document.text
        if group in _NOT_WORKLOADS or (group in KUBERNETES_GROUPS and kind in ("ConfigMap", "Secret")):
            return
        if (CONTAINERS in text or has_escaped_letters(text)) and (found := like_a_pod_template(root)) is not None:
            yield _owner(reader, root, path, *names).skipped(f"{found}: {reason}", is_unknown=True)


def _owner(reader: FieldReader, root: Mapping, path: str, api_version: str, kind: str) -> _Owner:
    metadata = reader.mapping(root, "metadata", path)
    name = namespace = ""
    if metadata:
        name = reader.optional_text(metadata, "name", f"{path}metadata.")
        name = name or reader.optional_text(metadata, "generateName", f"{path}metadata.")
        namespace = reader.optional_text(metadata, "namespace", f"{path}metadata.")
    return _Owner(reader, root, path, api_version, kind, name, namespace)


def _pod_templates(owner: _Owner, rows: tuple[WorkloadKind, ...]) -> Iterator[PodTemplate | Skipped]:
    paths = [(path, row.completes) for row in rows for path in row.paths]
    is_single = len(paths) == 1 and "*" not in paths[0][0]
    found: list[PodTemplate] = []
    missing: list[str] = []
    for path, completes in paths:
        for nodes, where in _walk(owner, steps_of(path), missing):
            pod = _read(owner, nodes, where, completes)
            if isinstance(pod, str):
                missing.append(pod)
            else:
                found.append(pod)
    if not found:
        yield owner.skipped(
            missing[0] if is_single and missing else f"none of {', '.join(path for path, _ in paths)} is a pod template"
        )
        return
    several = not is_single
    for pod in found:
        yield pod._replace(part=pod.path[len(owner.path) : -1]) if several else pod


def _walk(owner: _Owner, steps: tuple[str, ...], missing: list[str]) -> Iterator[tuple[list[Mapping], str]]:
    """Yield the mappings from the root to each node that the steps lead to, and the path of that node, with a dot at its end.

    Add to `missing` what ends on the way. Raises ManifestError for a field of the wrong type.
    """
    reader = owner.reader
    waiting: list[tuple[list[Mapping], str, tuple[str, ...]]] = [([owner.root], owner.path, steps)]
    while waiting:
        nodes, where, left = waiting.pop(0)
        if not left:
            yield nodes, where
            continue
        step, left = left[0], left[1:]
        mapping = nodes[-1]
        if left[:1] == ("[*]",):
            listed = reader.sequence(mapping, step, where)
            targets = [(f"{step}[{index}]", follow(item)) for index, item in enumerate(listed.items if listed else ())]
            left = left[1:]
        elif step == "*":
            targets = [(key.value, follow(value)) for key, value in mapping.pairs]
        else:
            field = reader.field(mapping, step, where)
            if field is not None and isinstance(follow(field), Sequence):
                message = f"must be a mapping, but is a list; a path through every item of it is {where}{step}[*]"
                raise reader.error(message, field, where + step)
            child = reader.mapping(mapping, step, where)
            targets = [(step, child)] if child else []
        if not targets:
            missing.append(f"{where}{step} is missing")
        for name, target in targets:
            if isinstance(target, Mapping):
                waiting.append(([*nodes, target], f"{where}{name}.", left))


def _read(owner: _Owner, nodes: list[Mapping], path: str, completes: bool) -> PodTemplate | str:
    """Return the pod template that the last node is, or why it is none."""
    reader, template = owner.reader, nodes[-1]
    spec = reader.mapping(template, "spec", path)
    if spec is None:
        return f"{path}spec is missing"
    containers = reader.sequence(spec, CONTAINERS, f"{path}spec.")
    if containers is None or not containers.items:
        return f"{path}spec.containers is empty"
    for index, item in enumerate(containers.items):
        if not isinstance(follow(item), Mapping):
            raise reader.error(f"must be a mapping, but is {kind_of(item)}", item, f"{path}spec.containers[{index}]")
    check_once(reader.document, spec, "initContainers", f"{path}spec.")
    check_once(reader.document, spec, "volumes", f"{path}spec.")
    metadata_nodes = _metadata_on(reader, nodes, path)
    labels, annotations = _strings(reader, metadata_nodes)
    return PodTemplate(
        reader.document, owner.api_version, owner.kind, owner.name, owner.namespace, labels, annotations, owner.root, template,
        spec, path, tuple(metadata_nodes), completes,
    )  # fmt: skip


def _metadata_on(reader: FieldReader, nodes: list[Mapping], path: str) -> list[Mapping]:
    """Return the `metadata` of each node that has one, the outermost first."""
    found = [reader.mapping(node, "metadata", path) for node in nodes]
    return [metadata for metadata in found if metadata is not None]


def _strings(reader: FieldReader, metadata_nodes: list[Mapping]) -> tuple[dict[str, str], dict[str, str]]:
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    for metadata in metadata_nodes:
        labels.update(reader.strings(metadata, "labels"))
        annotations.update(reader.strings(metadata, "annotations"))
    return labels, annotations


def runs_to_completion(pod: PodTemplate) -> bool:
    """Say whether the pod ends by itself: one of a Job and its like, or one that is not restarted."""
    return pod.completes or scalar_text(pod.spec, "restartPolicy") in ("Never", "OnFailure")
