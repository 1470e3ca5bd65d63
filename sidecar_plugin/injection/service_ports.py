"""Services whose target ports an agent takes, so that what they send to a pod goes through the agent.

An agent in front of the application's ports says by `servicePorts` which of its own ports stands for which. When the pods of a
stream have their agents, each Service of the stream that selects one of them gets the agent's port as its targetPort, and a
marker that tells what stood there; `put_back` is the inverse.
"""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from sidecar_plugin.errors import ManifestError, Place
from sidecar_plugin.injection.marker import INJECTED, ServiceMarker, is_port_text, service_marker_of
from sidecar_plugin.injection.removal import Gone
from sidecar_plugin.kubernetes.containers import containers
from sidecar_plugin.kubernetes.pod_templates import PodTemplate
from sidecar_plugin.kubernetes.text_search import items_of
from sidecar_plugin.runtime.report import Outcome, Results
from sidecar_plugin.yamledit.access import items_at, scalar_text, text_at, value_at
from sidecar_plugin.yamledit.construct import DataError, resolve
from sidecar_plugin.yamledit.documents import Document
from sidecar_plugin.yamledit.editor import EditError, Editor
from sidecar_plugin.yamledit.emitter import Emitter, scalar
from sidecar_plugin.yamledit.nodes import Mapping, Node, Scalar, Sequence, follow, is_null
from sidecar_plugin.yamledit.parser import parse

_SHARED = "is shared through an anchor or an alias, and only this Service is to be changed; write it out here"


class AgentPort(NamedTuple):
    """A port of an agent that stands in front of one of the application's."""

    agent: str
    name: str


class _Pod(NamedTuple):
    """What a Service has to do with in a pod: its labels, and its TCP ports by name."""

    title: str
    namespace: str
    labels: dict[str, str]
    ports: set[int]
    named: dict[str, int]
    taken: dict[int, AgentPort]
    place: Callable[[], Place]


class _Port(NamedTuple):
    """A port of a Service that is to go to an agent's."""

    node: Mapping
    path: str
    to: AgentPort


class ServicePorts:
    """The pods of one stream, and its Services, which are changed when all pods are known."""

    __slots__ = ("_by_label", "_has_services", "_pods", "_reached", "_results")

    def __init__(self, results: Results, has_services: bool) -> None:
        """`has_services`: whether the stream can have Services at all; without them only pods are of interest whose agents
        take their ports."""
        self._results = results
        self._has_services = has_services
        self._pods: list[_Pod] = []
        self._by_label: dict[tuple[str, str], list[int]] = {}
        self._reached: set[int] = set()

    def see(self, pod: PodTemplate, taken: dict[int, AgentPort], more_labels: dict[str, str]) -> None:
        """Note a pod of the stream; `taken` are its ports that agents stand in front of, `more_labels` what agents add."""
        if not taken and not self._has_services:
            return
        labels = {**_strings(value_at(pod.template, "metadata", "labels")), **more_labels}
        ports: set[int] = set()
        named: dict[str, int] = {}
        for container in containers(pod):
            for port in items_at(container.node, "ports"):
                number, name = _port_text(port, "containerPort"), text_at(port, "name")
                if number.isdecimal() and text_at(port, "protocol") in ("", "TCP"):
                    ports.add(int(number))
                    if name:
                        named.setdefault(name, int(number))
        place = partial(pod.document.place, pod.offset)
        for label in labels.items():
            self._by_label.setdefault(label, []).append(len(self._pods))
        self._pods.append(_Pod(f"{pod.kind}/{pod.name}", pod.namespace, labels, ports, named, taken, place))

    @property
    def are_wanted(self) -> bool:
        """Whether an agent of one of the pods takes ports of Services."""
        return any(pod.taken for pod in self._pods)

    def route(self, document: Document, text: str) -> str:
        """Return the text that a document has become with its Services changed. Raises ManifestError, at its place in the
        document as it came, for a Service that cannot be changed as its pods and its text are."""
        before = list(_services(document.parse().root))
        editor = Editor(text, 0, Emitter())
        for as_it_came, service in zip(before, _services(parse(text).root), strict=True):
            place = partial(document.place, as_it_came.first)
            try:
                self._route(service, editor, place)
            except EditError as error:
                raise ManifestError(f"Service/{text_at(service, 'metadata', 'name')}: {error.message}", place()) from None
        return editor.result()

    def warn_of_unreached(self) -> None:
        """Warn of pods whose agents take ports of Services where no Service of the stream selects them."""
        for index, pod in enumerate(self._pods):
            if pod.taken and index not in self._reached:
                number, to = next(iter(pod.taken.items()))
                message = f"{pod.title}: no Service here sends to the agent {to.agent}, so none goes through it"
                remedy = f"render the Service of port {number} with the workload, or give it targetPort: {to.name}"
                self._results.warn(f"{message}; {remedy}", pod.place())

    def _route(self, service: Mapping, editor: Editor, place: Callable[[], Place]) -> None:
        spec = value_at(service, "spec")
        selector = _strings(value_at(spec, "selector"))
        namespace = text_at(service, "metadata", "namespace")
        if not selector or text_at(spec, "type") == "ExternalName":
            return
        selected = self._selected(selector, namespace)
        agents = {port.agent for _, pod in selected for port in pod.taken.values()}
        if not agents:
            return
        name = text_at(service, "metadata", "name")
        title = f"Service/{name}"
        if text_at(spec, "clusterIP") == "None":
            self._reached.update(index for index, _ in selected)
            message = f"{title} is headless: its clients connect to the pods themselves, past the agent {', '.join(agents)}"
            self._results.warn(f"{message}; let them use the agent's port, or a Service with an address", place())
            return
        ports = list(self._ports(title, spec, selected, place))
        if ports:
            _write(service, ports, editor)
            note = ", ".join(f"port {port.path} to {port.to.name} (the agent {port.to.agent})" for port in ports)
            self._results.outcomes.append(Outcome(place, "Service", namespace, name, note=note))

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
    ) -> Iterator[_Port]:
        """Yield the ports of a Service that are to go to an agent's. Raises ManifestError where its pods do not agree."""
        for item in items_at(spec, "ports"):
            node = follow(item)
            if not isinstance(node, Mapping) or text_at(node, "protocol") not in ("", "TCP"):
                continue
            path = _port_text(node, "port")
            target = _port_text(node, "targetPort") or path
            reached: dict[AgentPort, str] = {}
            past = ""
            for index, pod in selected:
                number = int(target) if target.isdecimal() else pod.named.get(target)
                to = pod.taken.get(number) if number else None
                if to or any(target == port.name for port in pod.taken.values()):
                    self._reached.add(index)
                if to:
                    reached[to] = pod.title
                elif number in pod.ports:
                    past = pod.title
            remedy = "let the agent stand in front of that port in all of them, or in none"
            if len(reached) > 1 or (reached and past):
                first, *others = reached.items()
                other = f"past it to {past}" if past else f"to {others[0][0].name} of {others[0][1]}"
                message = f"port {path} would go to {first[0].name} (the agent {first[0].agent}) of {first[1]}, and {other}"
                raise ManifestError(f"{name}: {message}; {remedy}", place())
            for to in reached:
                if node is not item:
                    raise ManifestError(f"{name}: port {path} {_SHARED}", place())
                yield _Port(node, path, to)


def _services(root: Node | None) -> Iterator[Mapping]:
    """Yield the Services of a document: itself, or items of a list."""
    for node in items_of(root):
        if scalar_text(node, "kind") == "Service" and scalar_text(node, "apiVersion") == "v1":
            yield node


def _write(service: Mapping, ports: list[_Port], editor: Editor) -> None:
    """Write the target ports of a Service and the marker. Raises EditError."""
    written: dict[str, dict[str, str]] = {}
    spec = service.pair("spec")
    listed = spec[1].pair("ports") if spec and isinstance(spec[1], Mapping) else None
    for port in ports:
        pair = port.node.pair("targetPort")
        if listed is None or not isinstance(listed[1], Sequence) or listed[1].anchor or port.node.anchor:
            raise EditError(f"port {port.path} {_SHARED}", port.node.start)
        entry = {"is": port.to.name}
        if pair is None:
            editor.add(port.node, {"targetPort": port.to.name})
        else:
            value = pair[1]
            if not isinstance(value, Scalar) or value.anchor:
                raise EditError(f"the targetPort of port {port.path} {_SHARED}", pair[0].start)
            entry["was"] = editor.text[value.start : value.end]
            if value.tag or not is_port_text(entry["was"]):
                message = f"the targetPort of port {port.path} could not be put back as it is written"
                raise EditError(f"{message}; write a name or a number, or leave out a targetPort that is empty", pair[0].start)
            editor.replace(value, _as_written(port.to.name, value, port.node.flow))
        written[_key(port.node)] = entry
    _write_marker(service, ServiceMarker(sorted({port.to.agent for port in ports}), written, [], []), editor)


def _as_written(name: str, before: Scalar, flow: bool) -> str:
    """Return a port's name in the quotes of what stood there; a number of JSON has none, and its name needs them."""
    if not before.style and flow and not isinstance(resolve(before), str):
        return json.dumps(name)
    quote = before.style or ("" if scalar(name) == name else "'")
    return f"{quote}{name}{quote}"


def _write_marker(service: Mapping, marker: ServiceMarker, editor: Editor) -> None:
    found = service.pair("metadata")
    metadata = found[1] if found else None
    if not isinstance(metadata, Mapping) or metadata.anchor:
        raise EditError(f"metadata {_SHARED}" if metadata else "metadata is missing", service.start)
    annotations = metadata.pair("annotations")
    if annotations is None:
        marker.created.append("metadata.annotations")
        editor.add(metadata, {"annotations": {INJECTED: marker.to_json()}})
    elif isinstance(annotations[1], Scalar) and is_null(annotations[1]):
        if annotations[1].end > annotations[1].start:
            marker.nulls.append("metadata.annotations")
        editor.fill(metadata, *annotations, {INJECTED: marker.to_json()})  # type: ignore[arg-type]
    elif isinstance(annotations[1], Mapping) and not annotations[1].anchor:
        editor.add(annotations[1], {INJECTED: marker.to_json()})
    else:
        raise EditError(f"metadata.annotations {_SHARED}", annotations[0].start)


def put_back(document: Document, service: Mapping, gone: Gone) -> ServiceMarker | None:
    """Note what is undone in a Service by its marker, target ports that are still what was written; return the marker.

    None for what has no such marker. Raises ManifestError for one that cannot be read.
    """
    marker = service_marker_of(document, service)
    if marker is None:
        return None
    for item in items_at(service, "spec", "ports"):
        node = follow(item)
        entry = marker.target_ports.get(_key(node)) if isinstance(node, Mapping) else None
        if entry is None or not isinstance(node, Mapping):
            continue
        pair = node.pair("targetPort")
        if pair is None or not isinstance(pair[1], Scalar) or pair[1].value != entry["is"]:
            continue  # somebody has changed it since
        if "was" in entry:
            gone.put_back[id(pair[1])] = (pair[1], _as_it_was(entry["was"], pair[1]))
        else:
            gone.add_pairs(node, {node.pairs.index(pair)})
    return marker


def _as_it_was(was: str, now: Scalar) -> str:
    """Return the text of a targetPort for a scalar that we wrote: in double quotes, a name that had none is another tool's."""
    before = parse(was).root
    is_name = isinstance(before, Scalar) and isinstance(resolve(before), str)
    return json.dumps(was.strip("'")) if is_name and now.style == '"' and was[0] != '"' else was


def _key(port: Mapping) -> str:
    """Return what tells the ports of a Service apart (the Kubernetes API's list map keys)."""
    return f"{text_at(port, 'port')}/{text_at(port, 'protocol') or 'TCP'}"


def _port_text(node: Node | None, key: str) -> str:
    """Return a port as its name or its decimal number; "" where it is null, 0 or empty, which the API server takes for none."""
    found = value_at(node, key)
    try:
        value = resolve(found) if isinstance(found, Scalar) else None
    except DataError:
        return ""
    return str(value) if value else ""


def _strings(node: Node | None) -> dict[str, str]:
    if not isinstance(node, Mapping):
        return {}
    values = ((key.value, follow(value)) for key, value in node.pairs)
    return {key: value.value for key, value in values if isinstance(value, Scalar)}
