"""Services whose target ports an agent takes, so that what they send to a pod goes through the agent.

An agent in front of the application's ports says by `servicePorts` which of its own ports stands for which. When the pods of a
run have their agents, each Service of the run that selects one of them gets the agent's port as its targetPort, and a marker
that tells what stood there (`target_ports.py`).
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

from sidecar_plugin.errors import ManifestError, Place
from sidecar_plugin.injection.marker import port_key
from sidecar_plugin.injection.removed import Removed, port_path
from sidecar_plugin.injection.target_ports import SHARED, AgentPort, RoutedPort, write
from sidecar_plugin.kubernetes.containers import containers
from sidecar_plugin.kubernetes.pod_templates import PodTemplate
from sidecar_plugin.kubernetes.text_search import items_of, may_hold_services
from sidecar_plugin.runtime.report import Outcome, Results
from sidecar_plugin.yamledit.access import items_at, scalar_text, text_at, value_at
from sidecar_plugin.yamledit.construct import DataError, resolve
from sidecar_plugin.yamledit.documents import Document
from sidecar_plugin.yamledit.editor import EditError, Editor
from sidecar_plugin.yamledit.emitter import Emitter
from sidecar_plugin.yamledit.nodes import Mapping, Node, Scalar, follow
from sidecar_plugin.yamledit.parser import parse


class _Pod(NamedTuple):
    """What a Service has to do with in a pod: its labels, and its TCP ports by name."""

    title: str
    namespace: str
    labels: dict[str, str]
    ports: set[int]
    named: dict[str, int]
    taken: dict[int, AgentPort]
    place: Callable[[], Place]


class ServicePorts:
    """The pods of one or more streams, and their Services, which are changed when all pods are known."""

    __slots__ = ("_by_label", "_has_services", "_pods", "_put_back", "_reached", "_results")

    def __init__(self, results: Results, documents: Iterable[Document]) -> None:
        """Take the documents of all streams. Where none can hold a Service, only pods are of interest whose agents take their
        ports."""
        self._results = results
        self._has_services = any(may_hold_services(document.text) for document in documents)
        self._pods: list[_Pod] = []
        self._by_label: dict[tuple[str, str], list[int]] = {}
        self._reached: set[int] = set()
        self._put_back: dict[tuple[int, int], tuple[Document, Removed]] = {}  # by the document, and where the Service begins

    def see_put_back(self, document: Document, removed: Removed) -> None:
        """Note a Service of a document whose target ports were put back by its marker."""
        if removed.owner is not None:
            self._put_back[id(document), removed.owner.start] = document, removed

    def see(self, pod: PodTemplate, taken: dict[int, AgentPort], more_labels: dict[str, str]) -> None:
        """Note a pod; `taken` are its ports that agents stand in front of, `more_labels` what agents add."""
        if not taken and not self._has_services:
            return
        labels = {**_strings(value_at(pod.template, "metadata", "labels")), **more_labels}
        ports: set[int] = set()
        named: dict[str, int] = {}
        for container in containers(pod):
            for port in items_at(container.node, "ports"):
                number, name = _number(_port_text(port, "containerPort")), text_at(port, "name")
                if number is not None and text_at(port, "protocol") in ("", "TCP"):
                    ports.add(number)
                    if name:
                        named.setdefault(name, number)
        place = partial(pod.document.place, pod.offset)
        for label in labels.items():
            self._by_label.setdefault(label, []).append(len(self._pods))
        self._pods.append(_Pod(f"{pod.kind}/{pod.name}", pod.namespace, labels, ports, named, taken, place))

    def routed(self, documents: list[Document], pieces: list[str]) -> list[str]:
        """Return the texts that the documents of a stream have become with their Services changed; further pieces stay.

        Raises ManifestError, at its place in the document as it came, for a Service that cannot be changed as its pods and its
        text are.
        """
        are_wanted = any(pod.taken for pod in self._pods)
        marked = {document for document, _ in self._put_back}
        texts = (
            self._routed(document, text)
            if may_hold_services(document.text) and (are_wanted or id(document) in marked)
            else text
            for document, text in zip(documents, pieces, strict=False)
        )
        texts_of_all = [*texts, *pieces[len(documents) :]]
        for document, removed in self._put_back.values():  # those that are no Services of the API, by their version
            self._results.outcomes.append(removed.outcome(document, removed.parts))
        self._put_back.clear()
        return texts_of_all

    def _routed(self, document: Document, text: str) -> str:
        before = list(_services(document.parse().root))
        editor = Editor(text, 0, Emitter())
        for as_it_came, service in zip(before, _services(parse(text).root), strict=True):
            place = partial(document.place, as_it_came.first)
            try:
                written = self._route(service, editor, place)
            except EditError as error:
                raise ManifestError(f"Service/{text_at(service, 'metadata', 'name')}: {error.message}", place()) from None
            _, removed = self._put_back.pop((id(document), as_it_came.start), (None, None))
            if removed:
                self._tell_put_back(service, document, removed, written)
        return editor.result()

    def warn_of_unreached(self) -> None:
        """Warn of pods whose agents take ports of Services where no Service of the stream selects them."""
        for index, pod in enumerate(self._pods):
            if pod.taken and index not in self._reached:
                number, to = next(iter(pod.taken.items()))
                message = f"{pod.title}: no Service here sends to the agent {to.agent}, so none goes through it"
                remedy = f"render the Service of port {number} with the workload, or give it targetPort: {to.name}"
                self._results.warn(f"{message}; {remedy}", pod.place())

    def _tell_put_back(self, service: Mapping, document: Document, removed: Removed, written: set[str]) -> None:
        """Report the target ports of a Service that are the application's again, `written` are those that are an agent's."""
        lost = {path: names for path, names in removed.parts.items() if path not in written}
        if written and not lost:
            return
        outcome = removed.outcome(document, lost)
        self._results.outcomes.append(outcome._replace(removed=()) if written else outcome)
        selector = _strings(value_at(service, "spec", "selector"))
        if not written and (not selector or not self._selected(selector, outcome.namespace)):
            agents = ", ".join(outcome.removed)
            message = f"its target ports are put back, past the agent {agents}, for no pod that it selects is here"
            remedy = "inject it together with its workloads"
            self._results.warn(f"Service/{outcome.name}: {message}; {remedy}", outcome.locate())

    def _route(self, service: Mapping, editor: Editor, place: Callable[[], Place]) -> set[str]:
        """Send the ports of a Service to agents; return the paths of those that are. Raises ManifestError and EditError."""
        spec = value_at(service, "spec")
        selector = _strings(value_at(spec, "selector"))
        namespace = text_at(service, "metadata", "namespace")
        if not selector or text_at(spec, "type") == "ExternalName":
            return set()
        selected = self._selected(selector, namespace)
        agents = {port.agent for _, pod in selected for port in pod.taken.values()}
        if not agents:
            return set()
        name = text_at(service, "metadata", "name")
        title = f"Service/{name}"
        if text_at(spec, "clusterIP") == "None":
            self._reached.update(index for index, _ in selected)
            message = f"{title} is headless: its clients connect to the pods themselves, past the agent {', '.join(agents)}"
            self._results.warn(f"{message}; let them use the agent's port, or a Service with an address", place())
            return set()
        ports = list(self._ports(title, spec, selected, place))
        if ports:
            write(service, ports, editor)
            note = ", ".join(f"port {port.path} to {port.to.name} (the agent {port.to.agent})" for port in ports)
            self._results.outcomes.append(Outcome(place, "Service", namespace, name, note=note))
        return {port_path(port_key(port.node)) for port in ports}

    def _selected(self, selector: dict[str, str], namespace: str) -> list[tuple[int, _Pod]]:
        """Return the pods that a Service selects, with their index; only those with its rarest label are looked at."""
        rarest = min((self._by_label.get(label, []) for label in selector.items()), key=len)
        return [
            (index, pod)
            for index in rarest
            if selector.items() <= (pod := self._pods[index]).labels.items()
            and (not namespace or not pod.namespace or namespace == pod.namespace)
        ]

    def _ports(
        self, name: str, spec: Node | None, selected: list[tuple[int, _Pod]], place: Callable[[], Place]
    ) -> Iterator[RoutedPort]:
        """Yield the ports of a Service that are to go to an agent's. Raises ManifestError where its pods do not agree."""
        for item in items_at(spec, "ports"):
            node = follow(item)
            if not isinstance(node, Mapping) or text_at(node, "protocol") not in ("", "TCP"):
                continue
            path = _port_text(node, "port")
            target = _port_text(node, "targetPort") or path
            reached: dict[AgentPort, _Pod] = {}
            past: _Pod | None = None
            for index, pod in selected:
                number = _number(target) or pod.named.get(target)
                to = pod.taken.get(number) if number else None
                if to or any(target == port.name for port in pod.taken.values()):
                    self._reached.add(index)
                if to:
                    reached[to] = pod
                elif number in pod.ports:
                    past = pod
            if len(reached) > 1 or (reached and past):
                raise _disagree(f"{name}: port {path}", reached, past, place())
            for to in reached:
                if node is not item:
                    raise ManifestError(f"{name}: port {path} {SHARED}", place())
                yield RoutedPort(node, path, to)


def _disagree(port: str, reached: dict[AgentPort, _Pod], past: _Pod | None, place: Place) -> ManifestError:
    """Return the error about a Service's port that is another of each pod, or none of an agent's in the pod `past`."""
    (to, first), *others = reached.items()
    other, second = ("past it", past) if past else (f"to {others[0][0].name}", others[0][1])
    titles, files = [], {place.file}
    for pod in (first, second):
        where = pod.place()
        titles.append(pod.title if where.file == place.file else f"{pod.title} ({where})")
        files.add(where.file)
    message = f"{port} would go to {to.name} (the agent {to.agent}) of {titles[0]}, and {other} to {titles[1]}"
    remedy = "let the agent stand in front of that port in all of them, or in none"
    apart = "; files that are not for one cluster and namespace need a run each" if len(files) > 1 else ""
    return ManifestError(f"{message}; {remedy}{apart}", place)


def _services(root: Node | None) -> Iterator[Mapping]:
    """Yield the Services of a document: itself, or items of a list."""
    for node in items_of(root):
        if scalar_text(node, "kind") == "Service" and scalar_text(node, "apiVersion") == "v1":
            yield node


def _port_text(node: Node | None, key: str) -> str:
    """Return a port as its name or its decimal number; "" where it is null, 0 or empty, which the API server takes for none."""
    found = value_at(node, key)
    try:
        value = resolve(found) if isinstance(found, Scalar) else None
    except DataError:
        return ""
    return str(value) if value else ""


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch("[0-9]{1,5}", text) else None


def _strings(node: Node | None) -> dict[str, str]:
    if not isinstance(node, Mapping):
        return {}
    values = ((key.value, follow(value)) for key, value in node.pairs)
    return {key: value.value for key, value in values if isinstance(value, Scalar)}
