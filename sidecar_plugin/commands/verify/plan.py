"""`verify --plan`: what is to be done so that every sidecar of a cluster is a native one, in which order.

From Kubernetes 1.29 on a sidecar can be native, and needs no declaration of a platform's own. A cluster is upgraded in this
order: the API server, the nodes, then what is rendered for it, for a node before 1.29 takes a native sidecar for an ordinary
init container (KEP-753, "Version Skew Strategy").
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from sidecar_plugin.errors import ManifestError, VersionError, one_line
from sidecar_plugin.injection.marker import marker_of
from sidecar_plugin.injection.sidecars import sidecars
from sidecar_plugin.kubernetes.cluster_version import NATIVE_SIDECARS, ClusterVersion, parse_cluster_version
from sidecar_plugin.kubernetes.kubectl import Kubectl, source_of, without_owned
from sidecar_plugin.kubernetes.pod_templates import PodTemplate, WorkloadKinds
from sidecar_plugin.runtime.console import json_text
from sidecar_plugin.yamledit.documents import split

_NAME = r"[a-z0-9](?:[-.a-z0-9]*[a-z0-9])?"
TO_MOVE = ("acs", "regular")
"""The declarations that a native sidecar takes the place of."""
_UNCHANGEABLE = {
    "Job": "a Job's pod template cannot be changed: let it end, or delete it and render it anew",
    "Pod": "a Pod's containers cannot be changed: delete it and render it anew",
}


class Move(NamedTuple):
    """One workload whose sidecars are to become native; `release` is Helm's, as NAMESPACE/NAME, "" where none is known."""

    workload: str
    release: str
    sidecars: tuple[str, ...]
    declaration: str
    is_injected: bool
    note: str

    @property
    def how(self) -> str:
        """What is to be done."""
        if not self.is_injected:
            return "written by hand: sidecar-plugin convert --to native, in its source"
        if self.release:
            namespace, _, name = self.release.partition("/")
            return f"helm upgrade {name} -n {namespace}, with the settings as they are: the version decides"
        return "render it anew for the new version, and apply it"


class Plan(NamedTuple):
    """What stands in the way, and what is to be moved. `unread` are types of objects that the user may not list, `odd` the
    objects that cannot be read, with the reason."""

    version: ClusterVersion
    nodes: tuple[tuple[str, ClusterVersion], ...]
    moves: tuple[Move, ...]
    unread: tuple[str, ...]
    odd: tuple[str, ...]

    def steps(self) -> list[str]:
        """Return what is to be done, one sentence a step."""
        if not self.moves:
            return []
        steps = []
        if self.version < NATIVE_SIDECARS:
            steps.append(f"Upgrade the API server: it is {self.version}, and native sidecars need {NATIVE_SIDECARS}.")
        if self.nodes:
            names = ", ".join(f"{name} ({version})" for name, version in self.nodes)
            steps.append(f"Upgrade the nodes that are before {NATIVE_SIDECARS}: {names}.")
        for how in dict.fromkeys(move.how for move in self.moves):
            names = ", ".join(move.workload for move in self.moves if move.how == how)
            steps.append(f"{names}: {how}.")
        for note in dict.fromkeys(move.note for move in self.moves if move.note):
            names = ", ".join(move.workload for move in self.moves if move.note == note)
            steps.append(f"{names}: {note}.")
        return [*steps, "Look at the result: sidecar-plugin verify, and sidecar-plugin check --cluster."]

    def as_text(self) -> str:
        """Return a table of the workloads, then the steps."""
        lines = [f"not read, as you may not list them: {name}" for name in self.unread]
        lines += [f"not read: {one_line(each)}" for each in self.odd]
        if not self.moves:
            return "".join(f"{line}\n" for line in (*lines, "nothing to move: no sidecar here is declared acs or regular"))
        rows = [("WORKLOAD", "RELEASE", "SIDECARS", "DECLARATION")]
        rows += [(move.workload, move.release or "-", ", ".join(move.sidecars), move.declaration) for move in self.moves]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        table = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
        steps = (f"{number}. {step}" for number, step in enumerate(self.steps(), 1))
        return "".join(f"{line}\n" for line in (*lines, *table, "", *steps))

    def as_json(self) -> str:
        """Return the plan as one JSON object."""
        moves = [{**move._asdict(), "how": move.how} for move in self.moves]
        nodes = {name: str(version) for name, version in self.nodes}
        data = {"clusterVersion": str(self.version), "olderNodes": nodes, "workloads": moves, "steps": self.steps()}
        return json_text({**data, "unread": list(self.unread), "odd": list(self.odd)}, indent=2) + "\n"


def plan(kubectl: Kubectl, version: ClusterVersion | None) -> Plan:
    """Return the plan for what kubectl selects; `version` is the API server's where it is given. Raises KubectlError."""
    kinds = WorkloadKinds()
    objects, unread = kubectl.objects(kubectl.types().names(kinds.listed()))
    nodes, more_unread = kubectl.objects(["nodes"], is_namespaced=False)
    moves: list[Move] = []
    odd: list[str] = []
    for each in without_owned(objects):
        try:
            moves += _moves(each, kinds)
        except ManifestError as error:
            odd.append(str(error))  # one object of one tenant does not end the plan of the others
    releases = [move.release for move in moves]
    # Small releases first: what goes wrong there is smaller. What no release has comes last.
    moves.sort(key=lambda move: (not move.release, releases.count(move.release), move.release, move.workload))
    older = tuple(node for each in nodes if (node := _older_node(each)) is not None)
    return Plan(version or kubectl.version(), older, tuple(moves), (*unread, *more_unread), tuple(odd))


def _moves(data: dict[str, Any], kinds: WorkloadKinds) -> Iterator[Move]:
    release = _release(data)
    for document in split(source_of(data)):
        for pod in kinds.find(document, document.parse().root):
            if not isinstance(pod, PodTemplate):
                continue
            try:
                found = marker_of(pod.document, pod.template)
            except ManifestError:
                found = None
            marker = found[1] if found else None
            ours = {str(entry.get("container")) for entry in marker.agents.values()} if marker else set()
            name = "/".join(filter(None, (pod.namespace, pod.kind, pod.name)))
            for is_injected in (True, False):
                listed = [each for each in sidecars(pod, marker) if (each.container.name in ours) is is_injected]
                listed = [each for each in listed if each.declaration in TO_MOVE]
                if listed:
                    names = tuple(each.container.name for each in listed)
                    declared = ", ".join(dict.fromkeys(each.declaration for each in listed))
                    yield Move(name, release, names, declared, is_injected, _UNCHANGEABLE.get(pod.kind, ""))


def _release(data: dict[str, Any]) -> str:
    """Return the release that Helm says an object is of (its annotations meta.helm.sh/…), "" for what can be no release: the
    plan has it in a command, which somebody may copy."""
    name, namespace = (_text(data, "metadata", "annotations", f"meta.helm.sh/release-{key}") for key in ("name", "namespace"))
    return f"{namespace}/{name}" if re.fullmatch(_NAME, name) and re.fullmatch(_NAME, namespace) else ""


def _older_node(data: dict[str, Any]) -> tuple[str, ClusterVersion] | None:
    try:
        version = parse_cluster_version(_text(data, "status", "nodeInfo", "kubeletVersion"))
    except VersionError:
        return None
    return (_text(data, "metadata", "name"), version) if version < NATIVE_SIDECARS else None


def _text(data: Any, *path: str) -> str:
    """Return the text at a path, "" where there is none."""
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, str) else ""
