"""The target ports of a Service: an agent's ports are written, with a marker that tells what stood there, and put back.

Which ports go to which agent is decided in `service_ports.py`.
"""

import json
from typing import NamedTuple

from sidecar_plugin.injection.marker import INJECTED, ServiceMarker, is_port_text, port_key
from sidecar_plugin.injection.removal import Gone
from sidecar_plugin.injection.removed import Names, port_path
from sidecar_plugin.yamledit.access import items_at
from sidecar_plugin.yamledit.construct import resolve
from sidecar_plugin.yamledit.editor import EditError, Editor
from sidecar_plugin.yamledit.emitter import scalar
from sidecar_plugin.yamledit.nodes import Mapping, Scalar, Sequence, follow, is_null
from sidecar_plugin.yamledit.parser import parse

SHARED = "is shared through an anchor or an alias, and only this Service is to be changed; write it out here"


class AgentPort(NamedTuple):
    """A port of an agent that stands in front of one of the application's."""

    agent: str
    name: str


class RoutedPort(NamedTuple):
    """A port of a Service that is to go to an agent's."""

    node: Mapping
    path: str
    to: AgentPort


def write(service: Mapping, ports: list[RoutedPort], editor: Editor) -> None:
    """Write the target ports of a Service and the marker. Raises EditError."""
    written: dict[str, dict[str, str]] = {}
    spec = service.pair("spec")
    listed = spec[1].pair("ports") if spec and isinstance(spec[1], Mapping) else None
    for port in ports:
        pair = port.node.pair("targetPort")
        if listed is None or not isinstance(listed[1], Sequence) or listed[1].anchor or port.node.anchor:
            raise EditError(f"port {port.path} {SHARED}", port.node.start)
        entry = {"is": port.to.name}
        if pair is None:
            editor.add(port.node, {"targetPort": port.to.name})
        else:
            value = pair[1]
            if not isinstance(value, Scalar) or value.anchor:
                raise EditError(f"the targetPort of port {port.path} {SHARED}", pair[0].start)
            entry["was"] = editor.text[value.start : value.end]
            if value.tag or not is_port_text(entry["was"]):
                message = f"the targetPort of port {port.path} could not be put back as it is written"
                raise EditError(f"{message}; write a name or a number, or leave out a targetPort that is empty", pair[0].start)
            editor.replace(value, _as_written(port.to.name, value, port.node.flow))
        written[port_key(port.node)] = entry
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
        raise EditError(f"metadata {SHARED}" if metadata else "metadata is missing", service.start)
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
        raise EditError(f"metadata.annotations {SHARED}", annotations[0].start)


def put_back(service: Mapping, marker: ServiceMarker, gone: Gone) -> Names:
    """Note what is undone in a Service: target ports that are still what was written. Return what each is then."""
    names: Names = {}
    for item in items_at(service, "spec", "ports"):
        node = follow(item)
        entry = marker.target_ports.get(port_key(node)) if isinstance(node, Mapping) else None
        if entry is None or not isinstance(node, Mapping):
            continue
        pair = node.pair("targetPort")
        if pair is None or not isinstance(pair[1], Scalar) or pair[1].value != entry["is"]:
            continue  # somebody has changed it since
        if "was" in entry:
            gone.put_back[id(pair[1])] = (pair[1], _as_it_was(entry["was"], pair[1]))
        else:
            gone.add_pairs(node, {node.pairs.index(pair)})
        names[port_path(port_key(node))] = [f"{entry['was']} again" if "was" in entry else "removed"]
    return names


def _as_it_was(was: str, now: Scalar) -> str:
    """Return the text of a targetPort for a scalar that we wrote: in double quotes, a name that had none is another tool's."""
    before = parse(was).root
    is_name = isinstance(before, Scalar) and isinstance(resolve(before), str)
    return json.dumps(was.strip("'")) if is_name and now.style == '"' and was[0] != '"' else was
