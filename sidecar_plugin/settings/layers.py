"""Settings: from `SidecarInjection` documents, values files and `--set`, checked and merged into one `Settings`.

Later layers win: documents, then values files, then `--set`. Each layer is checked by itself, so that a mistake is reported
where the user made it. The schema is `schema.json`, which `sidecar-plugin schema` prints.
"""

import json
import os
from typing import Any, NamedTuple

from sidecar_plugin import __version__
from sidecar_plugin.errors import ManifestError, Place, SettingsError, VersionError, did_you_mean
from sidecar_plugin.kubernetes.cluster_version import parse_cluster_version
from sidecar_plugin.kubernetes.origin import (
    CHART,
    KUBE_VERSION,
    annotation,
    chart_of,
    comes_from_helm,
    covers,
    template_of,
    values_path,
)
from sidecar_plugin.runtime.json_schema import Path, Schema, name_of
from sidecar_plugin.settings.merge import layer as lay_over
from sidecar_plugin.yamledit.access import key_place, lookup
from sidecar_plugin.yamledit.construct import DataError, to_data
from sidecar_plugin.yamledit.documents import Document, split
from sidecar_plugin.yamledit.nodes import Mapping, Node, Scalar, follow, kind_of
from sidecar_plugin.yamledit.source import Source

API_VERSION = "sidecar-plugin.dev/v1alpha1"
KIND = "SidecarInjection"
VALUES_KEY = "sidecars"
VERSION_SOURCES = "spec.clusterVersion of a SidecarInjection, sidecars.clusterVersion in the values, or --cluster-version"


class Layer(NamedTuple):
    """One source of settings: its `data` has the shape of `spec`; `root` is the node it was read from, if it was a file.

    What a chart rendered names the `chart` it is for, the `template` and the `kube_version` that Helm knows, see helm_charts.
    What Helm evaluated names its `sources`, the files of values, later ones stronger: places are looked up there.
    """

    label: str
    data: dict[str, Any]
    document: Document | None = None
    root: Node | None = None
    chart: str = ""
    template: str = ""
    kube_version: str = ""
    sources: "tuple[Layer, ...]" = ()

    def has(self, path: Path) -> bool:
        """Say whether this layer sets the value at `path`."""
        node: Any = self.data
        for step in path:
            if not isinstance(node, (dict, list)) or (
                step not in node if isinstance(node, dict) else step not in range(len(node))
            ):
                return False
            node = node[step]  # type: ignore[index]  # a step into a list is a number: it is in its range
        return True

    def place(self, path: Path, key: str | None = None) -> Place | None:
        """Return where the value at `path` stands, or its `key`."""
        for source in reversed(self.sources):
            if source.has([*path, *([key] if key is not None else [])]):
                place: Place | None = source.place(path, key)
                return place
        if self.document is None or self.root is None:
            return None
        offset = key_place(self.root, path, key) if key is not None else lookup(self.root, path)[0].start
        return self.document.place(offset)


def field_of(path: Path) -> str:
    """Return a path as a field's name: agents.logging.env[0].name."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def layer_error(layer: Layer, message: str, path: Path, key: str | None = None) -> SettingsError:
    place = layer.place(path, key)
    if layer.template:
        value = f"{values_path(layer.chart)}.{field_of([*path, *([key] if key else [])])}"
        named = f"the value {value}, " if layer.kube_version else ""  # else it is not the library chart that rendered it
        message = f"{message} ({named}rendered by {layer.template})"
    if layer.label.startswith("--set ") and message.startswith("must be a string"):
        message += "; --set-string keeps a value text"
    return SettingsError(message if place else f"{message} (in {layer.label})", place, field_of(path))


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a SidecarInjection document."""
    with open(os.path.join(os.path.dirname(__file__), "schema.json"), encoding="utf-8") as file:
        loaded: dict[str, Any] = json.load(file)
    return loaded


def _spec_schema() -> dict[str, Any]:
    whole = schema()
    return {"$schema": whole["$schema"], "$ref": "#/$defs/spec", "$defs": whole["$defs"]}


_DOCUMENT_SCHEMA = Schema(f"document {__version__}", schema)
_SPEC_SCHEMA = Schema(f"spec {__version__}", _spec_schema)


def is_injection(root: Node | None) -> bool:
    """Say whether a document is a SidecarInjection; of a version that this program does not know too."""
    if not isinstance(root, Mapping):
        return False
    kind, api_version = root.get("kind"), root.get("apiVersion")
    return (
        isinstance(kind, Scalar)
        and kind.value == KIND
        and isinstance(api_version, Scalar)
        and api_version.value.partition("/")[0] == API_VERSION.partition("/")[0]
    )


def document_layer(document: Document, root: Mapping) -> Layer:
    """Return the layer that a SidecarInjection document is. Raises SettingsError or ManifestError, with the place."""
    data = _data(document, root)
    template = template_of(document)
    chart, claimed = chart_of(template), annotation(root, CHART)
    if claimed and template and not covers(chart, claimed):
        message = f"the annotation {CHART} names the chart {claimed}, and Helm rendered the document from {template}"
        message += "; a chart's settings are for its own workloads and those of its subcharts"
        raise SettingsError(message, document.place(0))
    if not template and not document.begins_line and comes_from_helm(document):
        message = "nothing says which chart this document comes from: the line break before it is none of Helm's"
        raise SettingsError(message, document.place(0))
    whole = Layer(KIND, data, document, root, claimed or chart, template, annotation(root, KUBE_VERSION))
    if data.get("apiVersion") != API_VERSION:
        message = f'this program knows {API_VERSION} only, not "{data.get("apiVersion")}"'
        raise layer_error(whole, message, ["apiVersion"])
    problem = _DOCUMENT_SCHEMA.problem(data)
    if problem:
        raise layer_error(whole, problem.message, problem.path, problem.key)
    spec = root.get("spec")
    return _checked(whole._replace(data=data.get("spec") or {}, root=spec or root))


def config_layers(source: Source) -> list[Layer]:
    """Return the layers of a --config file, which holds SidecarInjection documents and nothing else."""
    layers = []
    for document in split(source):
        root = document.parse().root
        if root is None:
            continue
        if not isinstance(root, Mapping) or not is_injection(root):
            message = f"the settings must be {KIND} documents (apiVersion: {API_VERSION}, kind: {KIND})"
            raise SettingsError(message, document.place(root.start))
        layers.append(document_layer(document, root))
    if not layers:
        raise SettingsError(f"the file holds no {KIND} document", Place(source.name, 1, 1))
    return layers


def values_layer(source: Source, values_key: str = VALUES_KEY) -> Layer | None:
    """Return the layer under the key `sidecars`, or another, of a Helm values file, None if it has no such key."""
    found: Layer | None = None
    for document in split(source):
        root = document.parse().root
        if root is None:
            continue
        if not isinstance(root, Mapping):
            raise SettingsError(f"a values file must be a mapping, but is {kind_of(root)}", document.place(root.start))
        if found is not None:
            raise SettingsError("a values file must be one document", document.place(root.start))
        pairs = [pair for pair in root.pairs if pair[0].value == values_key]
        if len(pairs) > 1:
            raise SettingsError(f'the key "{values_key}" stands twice; keep one', document.place(pairs[1][0].start))
        if not pairs:
            continue
        pair = pairs[0]
        node = follow(pair[1])
        data = _data(document, node)
        if data is not None and not isinstance(data, dict):
            message = f"must be a mapping, but is {kind_of(node)}"
            raise SettingsError(message, document.place(node.start), values_key)
        found = _checked(Layer(source.name, data or {}, document, node))
    return found


def misspelt_values_key(source: Source) -> tuple[str, Place] | None:
    """Return the key of a values file that is nearest to `sidecars` and where it stands, None if none is near."""
    for document in split(source):
        root = document.parse().root
        for key, _ in root.pairs if isinstance(root, Mapping) else ():
            if did_you_mean(key.value.lower(), [VALUES_KEY]):
                return key.value, document.place(key.start)
    return None


def set_layer(option: str, text: str, data: dict[str, Any]) -> Layer:
    """Return the layer of one argument of `--set` and its like, `data` being what it sets; a leading `sidecars.` may be left
    out. Raises SettingsError."""
    label = f'{option} "{text}"'
    nested = data.pop(VALUES_KEY, {})
    if not isinstance(nested, dict):
        raise SettingsError(f"{label}: {VALUES_KEY} must be a mapping")
    return _checked(Layer(label, lay_over(data, nested)))


def evaluated_layer(label: str, data: Any, kube_version: str, sources: "tuple[Layer, ...]") -> Layer:
    """Return the layer of values that Helm evaluated; `label` names what may have set a value that no source has.

    Raises SettingsError or VersionError.
    """
    if not isinstance(data, dict):
        raise SettingsError(f"must be a mapping, but is {name_of(data)}", field=label)
    return _checked(Layer(label, data, kube_version=kube_version, sources=sources))


def option_layer(option: str, key: str, value: str) -> Layer:
    """Return the layer of an option of its own, such as --cluster-version. Raises SettingsError."""
    return _checked(Layer(option, {key: value}))


def _data(document: Document, node: Node) -> Any:
    try:
        return to_data(node)
    except DataError as error:
        raise ManifestError(error.message, document.place(error.offset)) from None


def _checked(layer: Layer) -> Layer:
    """Return the layer if the schema and the version's parser take it, else raise SettingsError or VersionError."""
    problem = _SPEC_SCHEMA.problem(layer.data)
    if problem:
        raise layer_error(layer, problem.message, problem.path, problem.key)
    for version in (layer.data.get("clusterVersion"), layer.kube_version):
        if version is not None and version != "":
            try:
                parse_cluster_version(str(version))
            except VersionError as error:
                raise layer_error(layer, error.message, ["clusterVersion"]) from None
    return layer
