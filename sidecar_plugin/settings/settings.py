"""All settings of a run, merged from their sources into one `Settings`.

Each source is a `Layer` (see `layers.py`); docs/settings.md documents their order. An error about a merged setting names the
location in the last layer that sets it.
"""

from typing import Any, NamedTuple

from sidecar_plugin.errors import SettingsError
from sidecar_plugin.kubernetes import platforms
from sidecar_plugin.kubernetes.cluster_version import VENDORS, ClusterVersion, parse_cluster_version, vendor_of
from sidecar_plugin.kubernetes.pod_templates import WorkloadKinds
from sidecar_plugin.runtime.json_schema import Path
from sidecar_plugin.settings.layers import Layer, field_of, layer_error
from sidecar_plugin.settings.merge import layer as lay_over

RESERVED = frozenset(("enabled", "template", "targets", "position", "container"))
PRESET = "resourcesPreset"
"""A key of every agent's values, and of the settings for all agents; see `kubernetes.quantities.PRESETS`."""


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
    resources_preset: str
    image_digests: dict[str, str]
    """Digests by the image's own name, before image_registry."""
    names_platform: bool = False
    """Whether a source names the platform; `platform` is the default otherwise."""
    version_text: str = ""
    """The cluster's version as its source gives it."""

    def workload_kinds(self) -> WorkloadKinds:
        """Return the kinds with pod templates, those of `workloads` included. Raises SettingsError at the entry's place."""
        try:
            return WorkloadKinds.of(self.workloads)
        except SettingsError as error:
            index, _, field = error.field.partition(".")
            raise self.error(error.message, ["workloads", int(index), field]) from None

    def foreign_version(self) -> str:
        """Return what is wrong where the cluster's version names a vendor whose clusters are none of the platform, else ""."""
        vendor = vendor_of(self.version_text)
        if not vendor:
            return ""
        platform = platforms.named(self.platform)
        if platform.takes_vendor(vendor):
            return ""
        here = self.origin_of(["platform"])
        why = f"platform {self.platform} ({here}) is" if here else f"no source names the platform, so it is {self.platform},"
        return (
            f"{self.version_text} ({self.origin_of(['clusterVersion'])}) is a version of {VENDORS[vendor]}, and {why} "
            f"{platform.title}; set platform: {' or '.join(platforms.of_vendor(vendor))}, or, if the pods do run on "
            f'{self.platform}, write the version without the vendor: "{self.cluster_version}"'
        )

    def origin_of(self, path: Path) -> str:
        """Return where the setting at `path` comes from: FILE:LINE:COL, or the option; "" if no layer gives it."""
        for layer in reversed(self.layers):
            if layer.has(path) and layer.data[str(path[0])] not in ("", None):
                return str(layer.place(path) or layer.label)
        return "Helm's .Capabilities.KubeVersion" if path == ["clusterVersion"] else ""

    def error(self, message: str, path: Path) -> SettingsError:
        """Return an error about the setting at `path`, at the place of the layer that has the last word on it."""
        for length in range(len(path), 0, -1):
            for layer in reversed(self.layers):
                if layer.has(path[:length]):
                    return layer_error(layer, message, path)
        return SettingsError(message, field=field_of(path))


def merge_layers(layers: list[Layer]) -> Settings:
    """Return the settings that the layers, weakest first, make together.

    Raises SettingsError for a version of a vendor whose clusters are none of the platform that a source names.
    """
    data: dict[str, Any] = {}
    for layer in layers:
        own = dict(layer.data)
        if own.get("clusterVersion") in ("", None):
            own.pop("clusterVersion", None)  # "not given": what a chart renders when its value is empty
        data = lay_over(data, own)
    known = next((layer.kube_version for layer in layers if layer.kube_version), None)  # what Helm knows, if nobody says
    version = data.get("clusterVersion", known)
    agents = {name: _agent(name, raw) for name, raw in (data.get("agents") or {}).items() if raw is not None}
    settings = Settings(
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
        data.get(PRESET) or "",
        {image: digest for image, digest in (data.get("imageDigests") or {}).items() if digest is not None},
        bool(data.get("platform")),
        str(version) if version is not None else "",
    )
    if settings.names_platform and (message := settings.foreign_version()):
        raise settings.error(message, ["clusterVersion"])
    return settings


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
