"""The annotation that `inject` wrote, after containers of its agents were moved: so that `uninject` and `inject` stay exact."""

from sidecar_plugin.commands.convert.move import Moved
from sidecar_plugin.injection.marker import Marker
from sidecar_plugin.injection.sidecars import Sidecar
from sidecar_plugin.yamledit.documents import Edit
from sidecar_plugin.yamledit.emitter import quoted, scalar
from sidecar_plugin.yamledit.nodes import Scalar

_ORDER = ("spec.containers", "spec.initContainers", "spec.volumes", "spec.imagePullSecrets")


def updated(marker: Marker, sidecars: list[Sidecar], declaration: str, moved: Moved | None, source: str, target: str) -> Marker:
    """Return the marker once those sidecars have that declaration; `moved` tells of their move, None if they stay."""
    agents = dict(marker.agents)
    added = {path: list(names) for path, names in marker.added.items()}
    created, nulls = list(marker.created), list(marker.nulls)
    names = [sidecar.container.name for sidecar in sidecars if sidecar.agent]
    for sidecar in sidecars:
        if sidecar.agent:
            agents[sidecar.agent] = {**agents[sidecar.agent], "declaration": declaration}
    if moved:
        left, joined = f"spec.{source}", f"spec.{target}"
        added[left] = [name for name in added.get(left, ()) if name not in names]
        there = added.get(joined, [])
        added[joined] = [*names, *there] if target == "initContainers" else [*there, *names]
        added = {path: listed for path, listed in added.items() if listed}
        if moved.source_is_gone:
            created = [path for path in created if path != left]
            nulls = [path for path in nulls if path != left]
        if names and moved.target_is_new:
            created = _in_order([*created, joined])
        if names and moved.null_is_comment:
            nulls = _in_order([*nulls, joined])
    inner = [path for path in added if path not in _ORDER and path.startswith("spec.")]
    rest = [path for path in added if not path.startswith("spec.")]
    ordered = [*inner, *(path for path in _ORDER if path in added), *rest]
    return Marker(agents, {path: added[path] for path in ordered}, created, nulls, marker.joined)


def _in_order(paths: list[str]) -> list[str]:
    """Return the paths as `inject` would have listed them: those of containers, the pod's, those of the metadata."""
    ranks = {path: rank for rank, path in enumerate(_ORDER, start=1)}
    return sorted(paths, key=lambda path: ranks.get(path, 9 if path.startswith("metadata") else 0))


def rewritten(annotation: Scalar, marker: Marker) -> Edit:
    """Return the edit that gives the annotation its new value, in the quotes that it has."""
    value = marker.to_json()
    return Edit(annotation.start, annotation.end, scalar(value) if annotation.style == "'" else quoted(value))
