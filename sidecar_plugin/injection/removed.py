"""What was removed from a document by its markers, and how the report names it.

A marker is text that anybody can write, so the report names what is removed and not added again: containers, volumes, mounts,
variables, pull secrets, labels, annotations and target ports.
"""

from bisect import bisect_right
from collections.abc import Iterator
from functools import partial
from itertools import accumulate
from typing import NamedTuple

from sidecar_plugin.injection.stream import AgentManifest, identity_of
from sidecar_plugin.kubernetes.pod_templates import PodTemplate
from sidecar_plugin.kubernetes.text_search import items_of
from sidecar_plugin.runtime.report import Outcome
from sidecar_plugin.yamledit.access import scalar_text, value_at
from sidecar_plugin.yamledit.documents import Document, Edit
from sidecar_plugin.yamledit.nodes import Mapping, Node

Names = dict[str, list[str]]
"""The names of what was removed or added, by the field path of its list or map in the pod template."""

_WORDS = {
    "spec.containers": "container",
    "spec.initContainers": "init container",
    "spec.volumes": "volume",
    "spec.imagePullSecrets": "pull secret",
    "metadata.labels": "label",
    "metadata.annotations": "annotation",
}


class Removed(NamedTuple):
    """What was removed from one pod template or Service: the agents that its marker names, the containers of these by agent,
    and the names of all parts. `start` and `end` are where the pod spec stands in the text after the removal."""

    agents: list[str]
    containers: dict[str, str]
    parts: Names
    owner: Mapping | None = None
    start: int = 0
    end: int = 0

    def lost(self, added: Names) -> Names:
        """Return the parts that are not added again."""
        left = {path: [name for name in names if name not in added.get(path, ())] for path, names in self.parts.items()}
        return {path: names for path, names in left.items() if names}

    def unclaimed(self, lost: Names) -> list[str]:
        """Return the lost containers that the marker names no agent for."""
        names = [name for path in ("spec.containers", "spec.initContainers") for name in lost.get(path, ())]
        return [name for name in names if name not in self.containers.values()]

    def note(self, lost: Names) -> str:
        """Return what the report says of lost parts, less the containers that have the names of removed agents."""
        named = {path: [name for name in names if not self._is_agent(path, name)] for path, names in lost.items()}
        return "; ".join(_phrase(path, names, self.agents) for path, names in named.items() if names)

    def outcome(self, document: Document, lost: Names) -> Outcome:
        """Return what the report says of an object of which nothing but the removal is to be said."""
        place = partial(document.place, self.owner.first if self.owner else 0)
        agents = tuple(dict.fromkeys(self.agents))
        return Outcome(place, *identity_of(self.owner), (), agents, note=self.note(lost), parts=lost)

    @property
    def is_of_service(self) -> bool:
        """Whether it is a Service whose target ports were put back."""
        return self.owner is not None and scalar_text(self.owner, "kind") == "Service"

    def _is_agent(self, path: str, name: str) -> bool:
        return path in ("spec.containers", "spec.initContainers") and self.containers.get(name) == name


NOTHING_REMOVED = Removed([], {}, {})


class Removals(NamedTuple):
    """What was removed from one document, in the order of its text, and the items of its lists that were agents' manifests."""

    removed: list[Removed]
    manifests: list[AgentManifest]

    def of(self, pod: PodTemplate) -> Removed:
        """Return what was removed from a pod template, which is read from the text after the removal."""
        index = bisect_right(self.removed, pod.spec.start, key=lambda each: each.start) - 1
        found = self.removed[index] if index >= 0 else NOTHING_REMOVED
        return found if found.start <= pod.spec.start <= found.end else NOTHING_REMOVED


def placed(removed: list[Removed], root: Node, edits: list[Edit]) -> Iterator[Removed]:
    """Yield what was removed with the object that it was removed from, and with the place of its pod spec after the edits."""
    ends = [end for _, end, _ in edits]
    shifts = [0, *accumulate(len(new) - (end - start) for start, end, new in edits)]

    def moved(offset: int) -> int:
        index = bisect_right(ends, offset)
        return shifts[index] + (min(offset, edits[index][0]) if index < len(edits) else offset)

    owners = sorted(items_of(root), key=lambda owner: owner.start)
    starts = [owner.start for owner in owners]
    for each in removed:
        spec = value_at(each.owner, "spec")
        if each.owner is None or not isinstance(spec, Mapping):
            yield each
            continue
        owner = owners[max(0, bisect_right(starts, each.owner.start) - 1)] if owners else each.owner
        yield each._replace(owner=owner, start=moved(spec.start), end=moved(spec.end))


def by_owner(removed: list[Removed]) -> list[Removed]:
    """Return what was removed with one entry for each object, whose pod templates can be several."""
    found: dict[int, Removed] = {}
    for each in removed:
        whole = found.setdefault(id(each.owner), Removed([], {}, {}, each.owner))
        whole.agents.extend(each.agents)
        whole.containers.update(each.containers)
        for path, names in each.parts.items():
            whole.parts[path] = list(dict.fromkeys((*whole.parts.get(path, ()), *names)))
    return [whole for whole in found.values() if whole.agents or whole.parts]


def port_path(port: str) -> str:
    """Return the path of a Service's target port, as the report names it."""
    return f"spec.ports[{port}].targetPort"


def _phrase(path: str, names: list[str], agents: list[str]) -> str:
    """Return "volumes logging-* (3), data": names that begin with a removed agent's are counted together."""
    inside, _, key = path.rpartition("].")
    if key == "targetPort":
        return f"targetPort of port {inside.partition('[')[2]}: {names[0]}"
    of = f" of {inside.partition('[')[2]}" if inside else ""
    word = {"env": "variable", "volumeMounts": "mount"}.get(key) if inside else _WORDS.get(path)
    if word is None:  # a text that was appended to the value of an annotation
        return f"{', '.join(names)} in the annotation {path.partition('[')[2].removesuffix(']')}"
    shown = ", ".join(_counted(names, agents))
    return f"{word}{'s' if len(names) > 1 else ''} {shown}{of}"


def _counted(names: list[str], agents: list[str]) -> Iterator[str]:
    groups: dict[str, list[str]] = {}
    for name in names:
        prefixes = (f"{agent}{mark}" for agent in agents for mark in "-." if name.startswith(f"{agent}{mark}"))
        groups.setdefault(next(prefixes, name), []).append(name)
    for prefix, found in groups.items():
        yield found[0] if len(found) == 1 else f"{prefix}* ({len(found)})"
