"""The marker: what the program records in a pod template about its injection.

The annotation `sidecar-plugin.dev/injected` holds one line of JSON: the agents with their declarations, the names of what was
added to which list, and the keys that were not there before. It makes a second run update instead of add, and makes the
removal exact. A manifest that an agent brought along carries the annotation too, with `{"manifest": AGENT}`, and so does a
Service whose target ports are an agent's.
"""

import json
import re
from typing import Any, NamedTuple

from sidecar_plugin.errors import ManifestError
from sidecar_plugin.kubernetes.text_search import has_escaped_letters
from sidecar_plugin.yamledit.access import effective_pair, scalar_text, text_at
from sidecar_plugin.yamledit.documents import Document
from sidecar_plugin.yamledit.nodes import Mapping, Node, Scalar, follow

INJECTED = "sidecar-plugin.dev/injected"
VERSION = 1
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_DAMAGED = f"the annotation {INJECTED} cannot be read; take out by hand what was injected, and the annotation"
_CONTAINERS = r"spec\.(?:initContainers|containers)"
_LISTS = rf"{_CONTAINERS}(?:\[(?s:.+)\]\.(?:env|volumeMounts))?|spec\.(?:volumes|imagePullSecrets)"
_EXTENDED = rf"{_LISTS}|metadata\.(?:annotations|labels)"  # both compiled when something is taken out
_PORT = r"""(["']?)[A-Za-z0-9-]{1,15}\1"""
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


class ServiceMarker(NamedTuple):
    """What was changed in one Service.

    `target_ports`: by the port (`80/TCP`), what its targetPort `is` now, and as text what it `was`, if it was there. `created`
    and `nulls` as in Marker.
    """

    agents: list[str]
    target_ports: dict[str, dict[str, str]]
    created: list[str]
    nulls: list[str]

    def to_json(self) -> str:
        """Return the annotation's value."""
        data = {"version": VERSION, "agents": self.agents, "targetPorts": self.target_ports, "created": self.created}
        return _ENCODER.encode({**data, "nulls": self.nulls} if self.nulls else data)


def manifest_marker(agent: str) -> str:
    """Return the annotation's value for a manifest that an agent brings along."""
    return _ENCODER.encode({"version": VERSION, "manifest": agent})


def identity_key(list_path: str) -> str:
    """Return the field that tells the items of a list apart, as the Kubernetes API does (its patch merge keys)."""
    return "mountPath" if list_path.endswith("volumeMounts") else "name"


def port_key(port: Mapping) -> str:
    """Return what tells the ports of a Service apart (the Kubernetes API's list map keys)."""
    return f"{text_at(port, 'port')}/{text_at(port, 'protocol') or 'TCP'}"


def has_marker(document: Document) -> bool:
    """Say whether something may have been injected into the document before; the key may be written with escapes."""
    text = document.text
    return INJECTED in text or has_escaped_letters(text)


def manifest_agent(document: Document) -> str | None:
    """Return the agent whose manifest the document is, None for another document. Raises ManifestError for a damaged marker."""
    text = document.text
    if "manifest" not in text and not has_escaped_letters(text):
        return None  # the marker of a pod template has no such key
    root = document.parse().root
    found = annotation_of(document, root) if isinstance(root, Mapping) else None
    return found.manifest_agent if found else None


def marker_of(document: Document, template: Mapping) -> tuple[Scalar, Marker] | None:
    """Return the annotation of a pod template and what it says, None if nothing was injected into it.

    Raises ManifestError, with the place, for an annotation that cannot be read.
    """
    if not has_spec(template) or (found := annotation_of(document, template)) is None:
        return None
    return found.scalar, found.marker()


def annotation_of(document: Document, node: Mapping) -> "Annotation | None":
    """Return the marker of an object or pod template, None where there is none. Raises ManifestError as `marker_of`."""
    found: Node = node
    for key in ("metadata", "annotations", INJECTED):
        pair = effective_pair(found, key) if isinstance(found, Mapping) else None
        if pair is None:
            return None
        found = follow(pair[1])
    if not isinstance(found, Scalar):
        raise ManifestError(_DAMAGED, document.place(found.start))
    return Annotation(document, node, found, _load(document, found))


class Annotation(NamedTuple):
    """The annotation that is the marker of `node`, and its JSON."""

    document: Document
    node: Mapping
    scalar: Scalar
    data: dict[str, Any]

    @property
    def manifest_agent(self) -> str | None:
        """The agent that brought the object along, None for one that no agent did."""
        return str(self.data["manifest"]) if "manifest" in self.data else None

    @property
    def is_of_service(self) -> bool:
        """Whether it is the marker of a Service."""
        return "targetPorts" in self.data

    def service_marker(self) -> ServiceMarker:
        """Return what the marker of a Service says. Raises ManifestError."""
        agents, ports, created, nulls = (self.data.get(key, []) for key in ("agents", "targetPorts", "created", "nulls"))
        if (
            scalar_text(self.node, "kind") != "Service"
            or not all(_are_strings(each) for each in (agents, created, nulls))
            or not all(path == "metadata.annotations" for path in (*created, *nulls))
            or not isinstance(ports, dict)
            or not all(_is_target_port(entry) for entry in ports.values())
        ):
            raise ManifestError(_DAMAGED, self.document.place(self.scalar.start))
        return ServiceMarker(agents, ports, created, nulls)

    def marker(self) -> Marker:
        """Return what the marker of a pod template says. Raises ManifestError."""
        agents, added = self.data.get("agents"), self.data.get("added")
        created: Any = self.data.get("created")
        nulls: Any = self.data.get("nulls", [])
        joined: Any = self.data.get("joined", {})
        if (
            not isinstance(agents, dict)
            or not all(isinstance(entry, dict) for entry in agents.values())
            or not isinstance(added, dict)
            or not all(re.fullmatch(_EXTENDED, path) and _are_strings(names) for path, names in added.items())
            or not all(map(_are_created, (created, nulls)))
            or not isinstance(joined, dict)
            or not all(isinstance(text, str) and text for text in joined.values())
        ):
            raise ManifestError(_DAMAGED, self.document.place(self.scalar.start))
        return Marker(agents, added, created, nulls, joined)


def _is_target_port(entry: Any) -> bool:
    """Say whether an entry names a port now and, as text, one that was there before."""
    return (
        isinstance(entry, dict)
        and {"is"} <= entry.keys() <= {"is", "was"}
        and all(isinstance(text, str) and is_port_text(text) for text in entry.values())
    )


def is_port_text(text: str) -> bool:
    """Say whether a text is one scalar that can be a port's name or number, so that a marker may put it into a manifest."""
    return re.fullmatch(_PORT, text) is not None


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


def has_spec(node: Mapping) -> bool:
    """Say whether a mapping can be a pod template."""
    spec = effective_pair(node, "spec")
    return spec is not None and isinstance(follow(spec[1]), Mapping)


def _are_created(paths: Any) -> bool:
    return _are_strings(paths) and all(re.fullmatch(_CREATED, path) for path in paths)


def _are_strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
