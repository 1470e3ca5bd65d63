"""What is said of a platform."""

from collections.abc import Callable
from typing import Any, NamedTuple

Data = dict[str, Any]
SELF_MANAGED = ("k0s", "k3s", "mirantis", "rancher", "rke2", "vmware")
"""The vendors of Kubernetes for clusters of one's own, to which virtual nodes of a cloud can be attached."""
Finds = Callable[[Data], bool]


class Rule(NamedTuple):
    """Something that a platform does not take, or treats in its own way, in what an agent adds to a pod.

    `part` is what is looked at: each `container` (ordinary init containers included), each `initContainer` (the ordinary ones)
    or each `volume`. `finds` says whether it is there. `message` goes on from "the agent NAME: its container NAME ". `source`
    is the public page that says so.
    """

    part: str
    finds: Finds
    message: str
    source: str
    is_error: bool


class Platform(NamedTuple):
    """A kind of cluster or of nodes. `title` is its full name, `source` its public documentation.

    `auto` picks `from_native` on Kubernetes 1.29 and later, `before_native` on earlier ones. `no_native` says what speaks
    against native sidecars there, "" if nothing does; if `native_fails` it is an error, else a warning. `size_note` says,
    for platforms that give a pod one of a few sizes, what the agents do to it: it takes the pod's containers and the
    agents'. `runs_daemonsets` is False for virtual nodes. `pod_labels`, `node_selectors` (label and value, "" for any
    value) and `tolerations` (keys) are those by which a pod says itself that it is for these virtual nodes. `vendors` are
    those that the versions of its clusters may name (cluster_version.VENDORS), None for any.
    """

    name: str
    title: str
    source: str
    from_native: str
    before_native: str
    runs_daemonsets: bool
    no_native: str = ""
    native_fails: bool = False
    pod_labels: tuple[tuple[str, str], ...] = ()
    node_selectors: tuple[tuple[str, str], ...] = ()
    tolerations: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    size_note: Callable[[list[Data], list[Data]], str] | None = None
    vendors: tuple[str, ...] | None = ()

    def takes_vendor(self, vendor: str) -> bool:
        """Say whether a cluster of this platform can report a version that names the vendor, "" for none."""
        return not vendor or self.vendors is None or vendor in self.vendors

    def findings(self, agent: str, container: Data, init_containers: list[Data], volumes: list[Data]) -> list[tuple[str, bool]]:
        """Return what is to be said of what an agent adds, and whether it is an error."""
        parts = {"container": [container, *init_containers], "initContainer": init_containers, "volume": volumes}
        return [
            (f'the agent {agent}: its {_word(rule)} "{data.get("name")}" {rule.message} ({rule.source})', rule.is_error)
            for rule in self.rules
            for data in parts[rule.part]
            if rule.finds(data)
        ]


def _word(rule: Rule) -> str:
    return "volume" if rule.part == "volume" else "container"


def sets(*path: str, to: Any = None) -> Finds:
    """Return a test for a field: there at all, or there with the value `to`. A step `*` is any item of a list."""

    def finds(data: Any) -> bool:
        return any(value is not None and (to is None or value == to) for value in _values(data, path))

    return finds


def lists_any_of(*path: str, values: frozenset[Any]) -> Finds:
    """Return a test for one of `values` at a path."""

    def finds(data: Any) -> bool:
        return any(value in values for value in _values(data, path) if isinstance(value, (str, int)))

    return finds


def _values(data: Any, path: tuple[str, ...]) -> list[Any]:
    if not path:
        return [data]
    if path[0] == "*":
        items = data if isinstance(data, list) else []
    else:
        items = [data[path[0]]] if isinstance(data, dict) and path[0] in data else []
    return [value for item in items for value in _values(item, path[1:])]
