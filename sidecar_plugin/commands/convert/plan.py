"""What is to be converted in one document, checked to be safe before anything is edited."""

from collections.abc import Callable
from typing import NamedTuple

from sidecar_plugin.commands.convert.declaration_text import env_problem
from sidecar_plugin.errors import ManifestError
from sidecar_plugin.injection.marker import Marker, marker_of
from sidecar_plugin.injection.sidecars import Sidecar, sidecars, string_of, variables
from sidecar_plugin.kubernetes.containers import of_one_name
from sidecar_plugin.kubernetes.declarations import CONVERTIBLE, DECLARATIONS, MARKS
from sidecar_plugin.kubernetes.pod_templates import PodTemplate, WorkloadKinds
from sidecar_plugin.yamledit.access import check_once, effective_pair, scalar_text
from sidecar_plugin.yamledit.documents import Document
from sidecar_plugin.yamledit.nodes import Alias, Mapping, Node, Scalar, Sequence, Tree, follow, walk

Choice = Callable[[int, Sidecar], str]
"""Says which declaration a sidecar of the pod of that number in the document is to have; its own: it is left as it is."""


class Change(NamedTuple):
    """A sidecar and the declaration it gets."""

    sidecar: Sidecar
    to: str

    @property
    def target(self) -> str:
        """The list of the pod spec that the container belongs into."""
        return DECLARATIONS[self.to].list_name

    @property
    def variables(self) -> frozenset[str]:
        """The environment variables that the change takes out or puts in."""
        return frozenset(DECLARATIONS[self.sidecar.declaration].variables) | frozenset(DECLARATIONS[self.to].variables)

    @property
    def moves(self) -> bool:
        """Say whether the container changes the list."""
        return self.target != self.sidecar.container.list_name


class PodPlan(NamedTuple):
    """One pod template, its number in the document (from 0), and its changes."""

    number: int
    pod: PodTemplate
    marker: Marker | None
    annotation: Scalar | None
    changes: tuple[Change, ...]


def pods_of(document: Document, tree: Tree, kinds: WorkloadKinds) -> list[PodTemplate]:
    """Return the pod templates of a document. Raises ManifestError for a field of the wrong type on the way to one."""
    return [found for found in kinds.find(document, tree.root) if isinstance(found, PodTemplate)]


def plan(document: Document, tree: Tree, kinds: WorkloadKinds, named: frozenset[str], choose: Choice) -> list[PodPlan]:
    """Return what is to be changed. Raises ManifestError, with the place, for what cannot be changed safely."""
    shared = _shared(tree)
    plans = []
    for number, pod in enumerate(pods_of(document, tree, kinds)):
        found = marker_of(document, pod.template)
        marker = found[1] if found else None
        changes = []
        for sidecar in sidecars(pod, marker, named):
            to = choose(number, sidecar)
            if to != sidecar.declaration:
                changes.append(Change(sidecar, to))
        if changes:
            _refuse_one_name_twice(pod)
            _Checks(pod, shared).check(changes)
            _refuse_other_platforms(pod, marker, changes)
            plans.append(PodPlan(number, pod, marker, found[0] if found else None, tuple(changes)))
    return plans


def _refuse_one_name_twice(pod: PodTemplate) -> None:
    """Raise ManifestError for two containers of one name: which one is meant?"""
    for first, second in of_one_name(pod):
        message = f'two containers have the name "{second.name}" (in {first.list_name} and in {second.list_name}); remove one'
        raise ManifestError(message, pod.document.place(second.node.start), second.field(pod))


def _refuse_other_platforms(pod: PodTemplate, marker: Marker | None, changes: list[Change]) -> None:
    """Raise ManifestError for a sidecar whose declaration is of another platform, which `convert` does not rewrite."""
    known = {} if marker is None else {name: entry.get("declaration", "") for name, entry in marker.agents.items()}
    for change in changes:
        sidecar = change.sidecar
        declared = known.get(sidecar.agent, sidecar.declaration)
        if declared in CONVERTIBLE:
            continue
        message = (
            f"the agent {sidecar.agent} is declared {declared}, and convert knows {', '.join(CONVERTIBLE)} only; "
            "inject again with the other declaration, which updates it"
        )
        raise ManifestError(message, pod.document.place(sidecar.container.node.start), sidecar.container.field(pod))


def _shared(tree: Tree) -> set[int]:
    """Return the ids of the nodes that show in another place too, through an alias."""
    if not tree.has_aliases or tree.root is None:
        return set()
    targets = {id(node.target): node.target for node in walk(tree.root) if isinstance(node, Alias)}
    return {id(node) for target in targets.values() for node in walk(target)}


class _Checks:
    """Refuses what cannot be rewritten safely in one pod."""

    def __init__(self, pod: PodTemplate, shared: set[int]) -> None:
        self._pod = pod
        self._shared = shared

    def check(self, changes: list[Change]) -> None:
        lists = {change.sidecar.container.list_name for change in changes} | {change.target for change in changes}
        self._refuse_shared(self._pod.spec, "")
        for name in sorted(lists):
            check_once(self._pod.document, self._pod.spec, name, f"{self._pod.path}spec.")
            pair = effective_pair(self._pod.spec, name)
            if pair is None:
                continue
            if pair not in self._pod.spec.pairs:
                raise self._error("comes from a merge key; write it out here", self._pod.spec, name)
            self._refuse_shared(pair[1], name)
        for change in changes:
            self._check_container(change)
        moved = {change.sidecar.container.place for change in changes if change.moves and change.target == "initContainers"}
        pair = self._pod.spec.pair("containers")
        if pair and isinstance(pair[1], Sequence) and len(moved) == len(pair[1].items):
            raise self._error("all of them would become init containers; a pod needs a container", pair[1], "containers")

    def _check_container(self, change: Change) -> None:
        container = change.sidecar.container
        wanted = DECLARATIONS[change.to].variables
        node, field = container.node, container.field(self._pod).removeprefix(f"{self._pod.path}spec.")
        self._refuse_shared(container.item, field)
        if not container.name:
            raise self._error("the container has no name", node, field)
        for key in ("restartPolicy", "env"):
            check_once(self._pod.document, node, key, f"{self._pod.path}spec.{field}.")
            pair = effective_pair(node, key)
            if pair is None:
                continue
            if pair not in node.pairs:
                if key == "restartPolicy" or wanted or variables(node, change.variables | MARKS.keys()):
                    raise self._error("comes from a merge key; write it out here", node, f"{field}.{key}")
            else:
                self._refuse_shared(pair[1], f"{field}.{key}")
        for mark, value in MARKS.items():
            entries = variables(node, (mark,))
            if len(entries) > 1 or any(string_of(entry.value) != value for entry in entries):
                message = f'has {mark} twice, or with another value than the string "{value}"; mend that first'
                raise self._error(message, node, f"{field}.env")
        policy = scalar_text(node, "restartPolicy")
        if policy not in (None, "Always"):
            raise self._error(f'is "{policy}", which only a plain container can have; take it out first', node, field)
        problem = env_problem(node) if wanted else ""
        if problem:
            raise self._error(problem, node, f"{field}.env")

    def _refuse_shared(self, node: Node, field: str) -> None:
        if isinstance(node, Alias) or id(node) in self._shared:
            message = "is shared with other places through an alias, which must not change; write it out here"
            raise self._error(message, node, field)

    def _error(self, message: str, node: Node, field: str) -> ManifestError:
        place = self._pod.document.place(node.start)
        return ManifestError(message, place, f"{self._pod.path}spec.{field}".rstrip("."))


def list_of(pod: PodTemplate, name: str) -> tuple[Scalar, Sequence]:
    """Return a list of the pod spec that is known to be there, with its key."""
    pair = pod.spec.pair(name)
    assert pair is not None
    node = follow(pair[1])
    assert isinstance(node, Sequence)
    return pair[0], node


def container_of(pod: PodTemplate, change: Change) -> Mapping:
    """Return the container of a change in the pod as it is now, before any move."""
    node = list_of(pod, change.sidecar.container.list_name)[1].items[change.sidecar.container.place]
    assert isinstance(node, Mapping)
    return node
