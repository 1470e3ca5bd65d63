"""Conversion of a stream: text in, text out, each document proved to say what it said but for the declarations."""

from functools import partial
from typing import NamedTuple

from sidecar_plugin.commands.convert import warnings as losses
from sidecar_plugin.commands.convert.block_lines import Lines, applied, block_items
from sidecar_plugin.commands.convert.block_moves import moved
from sidecar_plugin.commands.convert.content_hash import Shapes
from sidecar_plugin.commands.convert.declaration_text import put_in, take_out
from sidecar_plugin.commands.convert.equivalence import difference, ignored
from sidecar_plugin.commands.convert.marker_update import rewritten, updated
from sidecar_plugin.commands.convert.move import Move, Moved, MoveError
from sidecar_plugin.commands.convert.plan import Change, PodPlan, container_of, list_of, plan, pods_of
from sidecar_plugin.errors import DeclarationError, ManifestError, Place
from sidecar_plugin.injection.marker import marker_of
from sidecar_plugin.injection.sidecars import Sidecar, string_of, variables
from sidecar_plugin.injection.stream import check_foreign
from sidecar_plugin.kubernetes import declarations
from sidecar_plugin.kubernetes.cluster_version import ClusterVersion
from sidecar_plugin.kubernetes.containers import containers
from sidecar_plugin.kubernetes.declarations.protocol import Target
from sidecar_plugin.kubernetes.pod_templates import PodTemplate, WorkloadKinds, runs_to_completion
from sidecar_plugin.runtime.report import InjectedAgent, Outcome, Results
from sidecar_plugin.yamledit.access import scalar_text
from sidecar_plugin.yamledit.documents import Document, Edit, split
from sidecar_plugin.yamledit.editor import EditError
from sidecar_plugin.yamledit.extent import content_end
from sidecar_plugin.yamledit.lines import BREAKS, line_break
from sidecar_plugin.yamledit.nodes import Node, Sequence
from sidecar_plugin.yamledit.source import Source

_MAKES_A_SIDECAR = [each.marks[0] for each in declarations.DECLARATIONS.values() if each.marks]
"""The variable of each declaration by which a container is recognised; other variables go with it."""


class Request(NamedTuple):
    """What to convert to, for which cluster (None: not known), and the names of regular containers that are sidecars."""

    to: str
    version: ClusterVersion | None
    platform: str
    named: frozenset[str]


class Converter:
    """Converts streams by one request."""

    def __init__(self, request: Request, kinds: WorkloadKinds, results: Results) -> None:
        self._request = request
        self._kinds = kinds
        self._results = results
        self._met: set[str] = set()

    def convert(self, source: Source) -> str:
        """Return the stream with its sidecars declared as asked for.

        Raises ManifestError, with the place, for what cannot be rewritten safely, and DeclarationError for a declaration that
        the cluster cannot take.
        """
        return "".join(self._convert_document(document) for document in split(source))

    def check_names(self) -> None:
        """Raise ManifestError if a container that was named occurred in none of the streams."""
        missing = sorted(self._request.named - self._met)
        if missing:
            raise ManifestError(f"--container {missing[0]}: no workload has a container of that name")

    def _convert_document(self, document: Document) -> str:
        if not self._kinds.may_occur(document.text):
            check_foreign(document)
            return document.text
        tree = document.parse()
        for pod in pods_of(document, tree, self._kinds):
            self._met |= {container.name for container in containers(pod)} & self._request.named
            self._warn_of_what_is_none(pod)
        plans = plan(document, tree, self._kinds, self._request.named, lambda _, sidecar: self._request.to)
        if not plans:
            return document.text
        for one in plans:
            self._check_declaration(one)
        text = _Rewriting(document, self._kinds, self._request.named).rewrite(plans)
        exact = self._come_back(document, text, plans)
        for one in plans:
            place = one.pod.document.place(one.pod.offset)
            lost = losses.of(one.pod, one.changes)
            if one.number not in exact and not any(loss.is_lasting for loss in lost):
                lost.append(losses.NOT_TO_THE_BYTE)
            for loss in lost:
                self._results.warn(f"{one.pod.kind}/{one.pod.name}: {loss.message}", place)
            agents = tuple(_agent(change) for change in one.changes)
            was = ", ".join(dict.fromkeys(change.sidecar.declaration for change in one.changes))
            outcome = Outcome(partial(_known, place), one.pod.kind, one.pod.namespace, one.pod.name, agents, was=was)
            self._results.outcomes.append(outcome)
        return text

    def _check_declaration(self, one: PodPlan) -> None:
        declaration = declarations.DECLARATIONS[self._request.to]
        completes = runs_to_completion(one.pod)
        target = Target(self._request.version, self._request.platform, one.pod.kind, completes, True)
        try:
            warning = declarations.check(declaration, target)
        except DeclarationError as error:
            place = one.pod.document.place(one.pod.offset)
            raise DeclarationError(f"{one.pod.kind}/{one.pod.name}: {error.message}", place) from None
        if warning:
            place = one.pod.document.place(one.pod.offset)
            self._results.warn(f"{one.pod.kind}/{one.pod.name}: {warning}", place)

    def _warn_of_what_is_none(self, pod: PodTemplate) -> None:
        for container in containers(pod):
            for mark in _MAKES_A_SIDECAR if container.list_name == "containers" else ():
                entries, value = variables(container.node, (mark,)), declarations.MARKS[mark]
                if entries and not any(string_of(entry.value) == value for entry in entries):
                    message = f'{container.field(pod)}: {mark} is not the string "{value}", so this is no sidecar and is left'
                    self._results.warn(message, pod.document.place(entries[0].value.start))

    def _come_back(self, document: Document, text: str, plans: list[PodPlan]) -> set[int]:
        """Return the numbers of the pods that converting back gives their very text again."""
        before = {
            (one.number, change.sidecar.container.name): change.sidecar.declaration for one in plans for change in one.changes
        }

        def choose(number: int, sidecar: Sidecar) -> str:
            return before.get((number, sidecar.container.name), sidecar.declaration)

        result = _document(text)
        named = frozenset(name for _, name in before)
        try:
            back = plan(result, result.parse(), self._kinds, named, choose)
            again = _document(_Rewriting(result, self._kinds, named).rewrite(back))
        except ManifestError:
            return set()
        pods = [pods_of(each, each.parse(), self._kinds) for each in (again, document)]
        return {one.number for one in plans if _text_of(pods[0][one.number]) == _text_of(pods[1][one.number])}


def _known(place: Place) -> Place:
    return place


def _document(text: str) -> Document:
    return Document(Source("", text), 0, len(text))


def _text_of(pod: PodTemplate) -> str:
    return pod.document.text[pod.template.start : content_end(pod.document.text, pod.template)]


def _agent(change: Change) -> InjectedAgent:
    """Return what a report says of the sidecar, by its agent or else its container's name."""
    sidecar = change.sidecar
    return InjectedAgent(sidecar.agent or sidecar.container.name, change.to, sidecar.container.name)


class _Rewriting:
    """The edits of one document, each pass on the text that the last one gave."""

    def __init__(self, document: Document, kinds: WorkloadKinds, named: frozenset[str]) -> None:
        self._document = document
        self._kinds = kinds
        self._named = named
        self._place = document.place(0)

    def rewrite(self, plans: list[PodPlan]) -> str:
        text = self._document.text
        if plans:
            self._place = self._document.place(plans[0].changes[0].sidecar.container.item.start)
        added = "" if text[-1] in BREAKS else line_break(text)
        after = text + added
        try:
            self._put_in(after, plans)  # an error here has its location in the user's own text
            self._move(after, plans)
        except (EditError, MoveError) as error:
            raise ManifestError(error.message, self._document.place(min(error.offset, len(text)))) from None
        try:
            for step in (self._take_out, self._put_in, self._move):
                after = step(after, plans)
        except (EditError, MoveError) as error:
            raise self._unsafe(error.message) from None
        after = after.removesuffix(added)
        self._prove(after, plans)
        return after

    def _read(self, text: str) -> tuple[Node, list[PodTemplate]]:
        document = _document(text)
        try:
            tree = document.parse()
            assert tree.root is not None
            return tree.root, pods_of(document, tree, self._kinds)
        except ManifestError as error:
            raise self._unsafe(error.message) from None

    def _unsafe(self, why: str) -> ManifestError:
        message = f"its sidecars cannot be converted safely as it is written ({why}); write the containers in plain block style"
        return ManifestError(message, self._place)

    def _take_out(self, text: str, plans: list[PodPlan]) -> str:
        pods, edits = self._read(text)[1], list[Edit]()
        for one in plans:
            for change in one.changes:
                container = container_of(pods[one.number], change)
                declaration = declarations.DECLARATIONS[change.sidecar.declaration]
                edits += take_out(text, container, declaration, bool(change.sidecar.agent))
        return applied(text, edits)

    def _put_in(self, text: str, plans: list[PodPlan]) -> str:
        pods, edits = self._read(text)[1], list[Edit]()
        for one in plans:
            pod, lines = pods[one.number], dict[str, list[Lines] | None]()
            for change in one.changes:
                container = container_of(pod, change)
                if change.target == "initContainers" and scalar_text(container, "restartPolicy"):
                    continue
                name, place = change.sidecar.container.list_name, change.sidecar.container.place
                if name not in lines:
                    key, node = list_of(pod, name)
                    lines[name] = None if node.flow else block_items(text, key, node)
                items = lines[name]
                own = items[place] if items else None
                edits += put_in(text, container, own, declarations.DECLARATIONS[change.to], _indent_of_lists(pod))
        return applied(text, edits)

    def _move(self, text: str, plans: list[PodPlan]) -> str:
        pods, edits = self._read(text)[1], list[Edit]()
        for one in plans:
            move = _move_of(one)
            done = moved(text, pods[one.number].template, move) if move else None
            edits += done.edits if done else []
            edits += self._record(text, pods[one.number], one, move, done)
        return applied(text, edits)

    def _record(self, text: str, pod: PodTemplate, one: PodPlan, move: Move | None, done: Moved | None) -> list[Edit]:
        if one.marker is None or not any(change.sidecar.agent for change in one.changes):
            return []
        found = marker_of(pod.document, pod.template)
        assert found is not None
        annotation, marker = found
        by_target: dict[str, list[Sidecar]] = {}
        for change in one.changes:
            by_target.setdefault(change.to, []).append(change.sidecar)
        for to, converted in by_target.items():
            going = [sidecar for sidecar in converted if move and sidecar.container.list_name == move.source]
            marker = updated(marker, converted, to, done if going else None, *(move[:2] if move else ("", "")))
        return [rewritten(annotation, marker)]

    def _prove(self, text: str, plans: list[PodPlan]) -> None:
        """Raise ManifestError unless the new text says what the old one did, but for the declarations that were asked for."""
        shapes = Shapes()
        (root, before), (new_root, after) = self._read(self._document.text), self._read(text)
        if len(before) != len(after):
            raise self._unsafe("a workload would be lost")
        if shapes.of(root, ignored(before, plans)) != shapes.of(new_root, ignored(after, plans)):
            raise self._unsafe("something else would change")
        for one in plans:
            problem = difference(shapes, before[one.number], after[one.number], one)
            if problem:
                raise self._unsafe(problem)


def _move_of(one: PodPlan) -> Move | None:
    moving = [change for change in one.changes if change.moves]
    if not moving:
        return None
    source, target = moving[0].sidecar.container.list_name, moving[0].target
    path = f"spec.{source}"
    injected = frozenset(change.sidecar.container.place for change in moving if change.sidecar.agent)
    indexes = frozenset(change.sidecar.container.place for change in moving)
    keeps = one.marker is not None and injected == indexes and path not in one.marker.created
    was_null = one.marker is not None and path in one.marker.nulls
    return Move(source, target, indexes, injected, target == "initContainers", keeps, was_null)


def _indent_of_lists(pod: PodTemplate) -> int:
    pair = pod.spec.pair("containers")
    if pod.spec.flow or pair is None or not isinstance(pair[1], Sequence) or pair[1].flow:
        return 0
    return max(0, pair[1].column - pod.spec.column)
