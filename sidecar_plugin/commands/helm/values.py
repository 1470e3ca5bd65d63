"""The settings in a chart's values, as Helm evaluates them.

Helm hands a post-renderer no values, and only Helm knows what its flags make of them. So Helm is asked: it renders a chart of
one template, with the values.yaml of the chart in question as its own and with the same flags, and the template says what
stands under `sidecars` and which version Helm knows.
"""

import json
import os
import re
from base64 import b64decode
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from sidecar_plugin.agents.folders import AgentFolders
from sidecar_plugin.commands.helm.program import Flags, Given, Helm, HelmError, Line
from sidecar_plugin.errors import SettingsError, UsageError
from sidecar_plugin.injection.injector import Injector
from sidecar_plugin.kubernetes.origin import KUBE_VERSION
from sidecar_plugin.runtime.console import read_stdin
from sidecar_plugin.runtime.report import Results
from sidecar_plugin.settings.layers import API_VERSION, KIND, Layer, evaluated_layer, values_layer
from sidecar_plugin.settings.options import read_file
from sidecar_plugin.settings.settings import merge_layers
from sidecar_plugin.yamledit.source import Source

STDIN_VALUES = "stdin.yaml"
OTHER_KEY = "if the chart has a value of that name of its own, put ours under another key, and name it by --sidecar-key"
_FOR_CAPABILITIES = frozenset(("kube-version", "api-versions", "validate", "dry-run"))
_SAYS = re.compile(r'sidecar-plugin-values: "([A-Za-z0-9+/=]+)"')
_TEMPLATE = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: sidecar-plugin-values
  annotations: {{helm.sh/hook: test}}
data:
  sidecar-plugin-values: {{{{ dict "values" (index .Values {key}) "given" (len .Values)
    "version" .Capabilities.KubeVersion.Version | toJson | b64enc | quote }}}}
"""
"""A hook, because Helm compares no hook with what the cluster holds."""


class Evaluated(NamedTuple):
    """What stands under the key, None if nothing does; the version that Helm knows; how many values there are in all."""

    values: Any
    version: str
    given: int


class Values(NamedTuple):
    """The flags that set values, and what they stand on: the chart's values.yaml, and an earlier release's values."""

    line: Line
    chart: str
    defaults: str
    earlier: str | None


def is_values_flag(name: str) -> bool:
    """Say whether a flag of helm sets values: --values, --set and those named after it."""
    return name == "values" or name.split("-")[0] == "set"


def without_stdin(line: Line, folder: Path) -> Line:
    """Return the line with `-f -` made a file of the folder, for Helm reads the values more than once."""
    if "-" not in line.values("values"):
        return line
    path = folder / STDIN_VALUES
    path.write_bytes(read_stdin())
    given = [Given("values", str(path)) if flag.name == "values" and flag.value == "-" else flag for flag in line.given]
    return line._replace(given=given)


def values_of(helm: Helm, verb: str, line: Line, flags: Flags, folder: Path) -> Values:
    """Return what a command's values are made of. Raises HelmError if the chart cannot be had."""
    chart = line.arguments[-1]
    fetching = line.among({**helm.flags("show", "values").own, **flags.inherited})
    defaults = helm.output("show", "values", chart, *fetching)
    earlier = _earlier(helm, line, flags, folder) if verb == "upgrade" else None
    return Values(line, chart, "" if earlier and line.has("reuse-values") else defaults, earlier)


def _earlier(helm: Helm, line: Line, flags: Flags, folder: Path) -> str | None:
    """Return the values of the release that an upgrade goes on with, as `helm upgrade` decides it (pkg/action, reuseValues)."""
    if line.has("reset-values"):
        return None
    keeps = line.has("reuse-values") or line.has("reset-then-reuse-values")
    if not keeps and any(is_values_flag(flag.name) for flag in line.given):
        alone = Values(line, "", "", None)
        if _evaluate(helm, "template", alone, flags, "sidecars", folder / "alone").given:
            return None
    complete = ("--all",) if line.has("reuse-values") else ()
    try:
        return helm.output("get", "values", line.arguments[0], *complete, "--output=yaml", *line.among(flags.inherited))
    except HelmError as error:
        if "not found" in str(error):
            return None  # a first installation, or `helm upgrade` says so itself
        raise


def evaluate(helm: Helm, verb: str, values: Values, flags: Flags, key: str, folder: Path) -> Evaluated:
    """Return what Helm makes of the values. Raises HelmError."""
    return _evaluate(helm, verb, values, flags, key, folder / "values")


def _evaluate(helm: Helm, verb: str, values: Values, flags: Flags, key: str, chart: Path) -> Evaluated:
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: sidecar-plugin-values\nversion: 0.1.0\n", "utf-8")
    (chart / "values.yaml").write_text(values.defaults, "utf-8")
    (chart / "templates" / "values.yaml").write_text(_TEMPLATE.format(key=json.dumps(key)), "utf-8")
    words: list[str] = []
    if values.earlier is not None:
        (chart / "earlier.yaml").write_text(values.earlier, "utf-8")
        words.append(f"--values={chart / 'earlier.yaml'}")
    words += [flag.word for flag in values.line.given if is_values_flag(flag.name)]
    words += values.line.among(flags.inherited)
    if verb == "template":
        words += values.line.among(_FOR_CAPABILITIES)
    else:
        verb = "install"
        asks = helm.major == 4 and any(value in ("client", "") for value in values.line.values("dry-run"))
        words.append("--dry-run=client" if asks else "--dry-run=server")
    found = _SAYS.search(helm.output(verb, "sidecar-plugin-values", str(chart), *words))
    assert found  # Helm rendered the template
    said = json.loads(b64decode(found[1]))
    return Evaluated(said["values"], said["version"], said["given"])


def settings_of(evaluated: Evaluated, values: Values, key: str, templates: tuple[str, ...]) -> tuple[dict[str, Any], Layer]:
    """Return the SidecarInjection that carries the settings, and the layer they were checked as.

    Raises SettingsError, with the place in the file that the user gave.
    """
    if evaluated.values is not None and not isinstance(evaluated.values, dict):
        what = f"the values hold {'a list' if isinstance(evaluated.values, list) else 'no mapping'} there"
        raise SettingsError(f"must be a mapping of settings, but {what}; {OTHER_KEY}", field=key)
    charts, *files = _sources(values)
    try:
        layers = [values_layer(charts, key)]
    except SettingsError as error:
        raise SettingsError(f"{error.message}; {OTHER_KEY}", error.place, error.field) from None
    layers += [values_layer(source, key) for source in files]
    sources = tuple(layer for layer in layers if layer is not None)
    sets = [
        f"--{flag.name} {flag.value}" for flag in values.line.given if flag.name.startswith("set") and key in str(flag.value)
    ]
    label = " or ".join(sets) or "the values that Helm evaluated"
    layer = evaluated_layer(label, evaluated.values or {}, evaluated.version, sources)
    Injector(merge_layers([layer]), AgentFolders(templates), Results())  # raises an error for an agent that does not exist
    document = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": f"values-{key}", "annotations": {KUBE_VERSION: evaluated.version}},
        "spec": evaluated.values or {},
    }
    return document, layer


def _sources(values: Values) -> list[Source]:
    """Return the files that values come from, the stronger the later; what Helm fetches from elsewhere is not among them."""
    name = os.path.join(values.chart, "values.yaml")
    found = [Source(name if os.path.exists(name) else f"values.yaml of {values.chart}", values.defaults)]
    for given in values.line.values("values"):
        for path in given.split(","):
            with suppress(UsageError):
                found.append(read_file(path, "--values"))
    return found


def schema_note(chart: str, key: str) -> str:
    """Return what to say when helm failed, and the schema of a chart's folder takes no value of that key; else ""."""
    try:
        schema = json.loads(Path(chart, "values.schema.json").read_bytes())
    except (OSError, ValueError):
        return ""
    if not isinstance(schema, dict) or schema.get("additionalProperties") is not False or key in schema.get("properties", {}):
        return ""
    name = os.path.join(chart, "values.schema.json")
    return (
        f"sidecar-plugin: {name} takes no value of the key {key}, so helm refuses it; give --skip-schema-validation, "
        'or leave the settings out of the values: docs/helm.md, "A chart that does not"\n'
    )
