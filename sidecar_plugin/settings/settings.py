"""All settings of a run, merged from their sources into one `Settings`.

Each source is a `Layer` (see `layers.py`); docs/settings.md documents their order. An error about a merged setting names the
location in the last layer that sets it.
"""

from typing import Any, NamedTuple

from sidecar_plugin.errors import SettingsError
from sidecar_plugin.kubernetes.cluster_version import ClusterVersion, parse_cluster_version
from sidecar_plugin.kubernetes.pod_templates import WorkloadKinds
from sidecar_plugin.runtime.json_schema import Path
from sidecar_plugin.settings.layers import Layer, _error, field_of
from sidecar_plugin.settings.merge import layer as lay_over

RESERVED = frozenset(("enabled", "template", "targets", "position", "container"))


class AgentSettings(NamedTuple):
    """What the settings say of one agent; `values` are those of its template, nulls included (they remove a default)."""

    name: str
    enabled: bool
    template: str | None
    targets: list[dict[str, Any]]
    position: str | dict[str, str] | None
    container: dict[str, Any]
    values: dict[str, Any]


class Settings(NamedTuple):
    """All settings, merged."""

    layers: tuple[Layer, ...]
    cluster_version: ClusterVersion | None
    platform: str
    declaration: str
    agents: dict[str, AgentSettings]
    targets: list[dict[str, Any]]
    exclude: list[dict[str, Any]]
    workloads: list[dict[str, Any]]
    image_registry: str
    """Host and path of the registry that every agent's image is taken from; empty: each from its own."""
    image_pull_secrets: list[dict[str, Any]]
    names_platform: bool = False
    """Whether a source names the platform; `platform` is the default otherwise."""

    def workload_kinds(self) -> WorkloadKinds:
        """Return the kinds with pod templates, those of `workloads` included. Raises SettingsError at the entry's place."""
        try:
            return WorkloadKinds.of(self.workloads)
        except SettingsError as error:
            index, _, field = error.field.partition(".")
            raise self.error(error.message, ["workloads", int(index), field]) from None

    def error(self, message: str, path: Path) -> SettingsError:
        """Return an error about the setting at `path`, at the place of the layer that has the last word on it."""
        for length in range(len(path), 0, -1):
            for layer in reversed(self.layers):
                if layer.has(path[:length]):
                    return _error(layer, message, path)
        return SettingsError(message, field=field_of(path))


def merge_layers(layers: list[Layer]) -> Settings:
    """Return the settings that the layers, weakest first, make together."""
    data: dict[str, Any] = {}
    for layer in layers:
        own = dict(layer.data)
        if own.get("clusterVersion") in ("", None):
            own.pop("clusterVersion", None)  # "not given": what a chart renders when its value is empty
        data = lay_over(data, own)
    known = next((layer.kube_version for layer in layers if layer.kube_version), None)  # what Helm knows, if nobody says
    version = data.get("clusterVersion", known)
    agents = {name: _agent(name, raw) for name, raw in (data.get("agents") or {}).items() if raw is not None}
    return Settings(
        tuple(layers),
        parse_cluster_version(str(version)) if version is not None else None,
        data.get("platform") or "acs",
        data.get("declaration") or "auto",
        agents,
        data.get("targets") or [],
        data.get("exclude") or [],
        data.get("workloads") or [],
        data.get("imageRegistry") or "",
        data.get("imagePullSecrets") or [],
        bool(data.get("platform")),
    )


def _agent(name: str, raw: dict[str, Any]) -> AgentSettings:
    return AgentSettings(
        name,
        bool(raw.get("enabled")),
        raw.get("template"),
        raw.get("targets") or [],
        raw.get("position"),
        raw.get("container") or {},
        {key: value for key, value in raw.items() if key not in RESERVED},
    )
