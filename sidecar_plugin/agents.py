"""An agent: a folder of templates and values that renders to the parts a pod needs.

Templates are Jinja2 in its immutable sandbox: no attribute that starts with an underscore, nothing of Python's, no files but
the agent's own; undefined names are errors. Source: https://jinja.palletsprojects.com/en/stable/sandbox/.
"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from sidecar_plugin.document.emit import block
from sidecar_plugin.errors import Place, SettingsError, SidecarPluginError, TemplateError
from sidecar_plugin.nodes import ParseError, parse
from sidecar_plugin.plain_data import DataError, lookup, to_data
from sidecar_plugin.schemas import Problem, Schema
from sidecar_plugin.source import Source
from sidecar_plugin.values import merge

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATE = "agent.yaml.j2"
VALUES = "values.yaml"
VALUES_SCHEMA = "values.schema.json"
MAX_RENDERED = 1_000_000  # characters; a pod with more than this is refused by every API server (1.5 MiB per object)

_NAMED = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "minLength": 1}}}
_STRINGS = {"type": ["object", "null"], "additionalProperties": {"type": "string"}}
_PARTS_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["container"],
    "additionalProperties": False,
    "properties": {
        "container": {**_NAMED, "required": ["name", "image"]},
        "volumes": {"type": ["array", "null"], "items": _NAMED},
        "applicationContainers": {
            "type": ["object", "null"],
            "additionalProperties": False,
            "properties": {
                "volumeMounts": {
                    "type": ["array", "null"],
                    "items": {**_NAMED, "required": ["name", "mountPath"]},
                },
                "env": {"type": ["array", "null"], "items": _NAMED},
            },
        },
        "podAnnotations": _STRINGS,
        "podLabels": _STRINGS,
        "initContainers": {"type": ["array", "null"], "items": {**_NAMED, "required": ["name", "image"]}},
        "imagePullSecrets": {"type": ["array", "null"], "items": _NAMED},
        "manifests": {
            "type": ["array", "null"],
            "items": {
                "type": "object",
                "required": ["apiVersion", "kind", "metadata"],
                "properties": {"metadata": _NAMED},
            },
        },
    },
}


class AgentFolder(NamedTuple):
    """The files of an agent by their names, and where they were found (a path, or the setting of an inline template)."""

    name: str
    origin: str
    files: dict[str, str]

    def path(self, file: str) -> str:
        """Return what a message calls one of the files."""
        return f"{self.origin}/{file}" if VALUES in self.files or VALUES_SCHEMA in self.files else self.origin


class AgentLibrary(Protocol):
    """Where agents come from; reading them is the front ends' part."""

    def names(self) -> list[str]:
        """Return the names of all agents there are."""

    def folder(self, name: str) -> AgentFolder | None:
        """Return one agent's files, None if there is no such agent."""


class Parts(NamedTuple):
    """What an agent adds to a pod. The dicts and lists are shared: read them, do not change them."""

    container: dict[str, Any]
    volumes: list[dict[str, Any]]
    application_mounts: list[dict[str, Any]]
    application_env: list[dict[str, Any]]
    pod_annotations: dict[str, str]
    pod_labels: dict[str, str]
    init_containers: list[dict[str, Any]]
    image_pull_secrets: list[dict[str, Any]]
    manifests: list[dict[str, Any]]


class Agent:
    """An agent ready to render: its template compiled, its default values read."""

    __slots__ = ("_folder", "_parsed", "_schema", "_template", "defaults", "name")

    def __init__(self, folder: AgentFolder) -> None:
        """Raise TemplateError for a folder without template, and for files that cannot be read as what they are."""
        self.name = folder.name
        self._folder = folder
        self._parsed: dict[str, Parts] = {}
        self._template = _compile(folder)
        self.defaults = _defaults(folder)
        self._schema = _values_schema(folder)

    def values(self, *overrides: dict[str, Any]) -> dict[str, Any]:
        """Return the default values with `overrides` over them, weakest first, as Helm merges."""
        merged = self.defaults
        for override in overrides:
            merged = merge(merged, override)
        return merged

    def problem(self, values: dict[str, Any]) -> Problem | None:
        """Return the first thing that the agent's values.schema.json finds wrong with merged values."""
        return self._schema.problem(values) if self._schema else None

    def render(self, context: dict[str, Any]) -> Parts:
        """Return the agent's parts for `context` (values, workload, cluster, declaration).

        Raises TemplateError with the template's file and line, or the place in what it rendered.
        """
        text = self._render_text(context)
        parts = self._parsed.get(text)
        if parts is None:
            parts = self._parsed[text] = _parts(f"{self._folder.path(TEMPLATE)} (rendered)", text)
        return parts

    def _render_text(self, context: dict[str, Any]) -> str:
        pieces, size = [], 0
        try:
            for piece in self._template.generate(context):
                size += len(piece)
                if size > MAX_RENDERED:
                    message = f"the template renders more than {MAX_RENDERED} characters"
                    raise TemplateError(message, Place(self._folder.path(TEMPLATE), 1, 1))
                pieces.append(piece)
        except SidecarPluginError:
            raise
        except (MemoryError, KeyboardInterrupt):
            raise
        except Exception as error:  # noqa: BLE001  # a template can raise whatever its expressions raise
            raise _template_error(self._folder, error) from None
        return "".join(pieces)


def _compile(folder: AgentFolder) -> "Template":
    if TEMPLATE not in folder.files:
        raise TemplateError(f"the agent {folder.name} has no {TEMPLATE}", Place(folder.origin, 1, 1))
    from jinja2 import FunctionLoader, StrictUndefined
    from jinja2 import TemplateError as JinjaError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def load(name: str) -> tuple[str, str, Callable[[], bool]] | None:
        text = folder.files.get(name)
        return None if text is None else (text, folder.path(name), lambda: True)

    environment = ImmutableSandboxedEnvironment(
        loader=FunctionLoader(load),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters["tojson"] = _to_json
    environment.filters["toyaml"] = _to_yaml
    environment.filters["sha256"] = _sha256
    try:
        return environment.get_template(TEMPLATE)
    except JinjaError as error:
        raise _template_error(folder, error) from None


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _to_yaml(value: Any) -> str:
    if isinstance(value, (dict, list)) and value:
        return "\n".join(block(value, 0))
    return _to_json(value)


def _sha256(text: str) -> str:
    from hashlib import sha256

    return sha256(text.encode()).hexdigest()


def _template_error(folder: AgentFolder, error: Exception) -> TemplateError:
    """Return what Jinja2, or an expression of the template, raised, at the template's own file and line."""
    line, file = getattr(error, "lineno", None), getattr(error, "filename", None)
    paths = {folder.path(name) for name in folder.files}
    step = error.__traceback__
    while step is not None and getattr(error, "lineno", None) is None:
        if step.tb_frame.f_code.co_filename in paths:
            line, file = step.tb_lineno, step.tb_frame.f_code.co_filename
        step = step.tb_next
    words = str(error) or type(error).__name__
    return TemplateError(f"agent {folder.name}: {words}", Place(file or folder.path(TEMPLATE), line or 1, 1))


def _defaults(folder: AgentFolder) -> dict[str, Any]:
    text = folder.files.get(VALUES)
    if text is None:
        return {}
    source = Source(folder.path(VALUES), text)
    try:
        root = parse(text).root
        data = to_data(root) if root is not None else {}
    except (ParseError, DataError) as error:
        raise TemplateError(error.message, source.place(error.offset)) from None
    if not isinstance(data, dict):
        raise TemplateError("the values must be a mapping", source.place(0))
    return data


def _values_schema(folder: AgentFolder) -> Schema | None:
    text = folder.files.get(VALUES_SCHEMA)
    if text is None:
        return None
    try:
        return Schema(json.loads(text))
    except ValueError as error:
        raise TemplateError(f"not a JSON Schema: {error}", Place(folder.path(VALUES_SCHEMA), 1, 1)) from None


_parts_schema: list[Schema] = []


def _parts(name: str, text: str) -> Parts:
    source = Source(name, text)
    try:
        root = parse(text).root
        data: Any = to_data(root) if root is not None else None
    except (ParseError, DataError) as error:
        raise TemplateError(error.message, source.place(error.offset)) from None
    if not _parts_schema:
        _parts_schema.append(Schema(_PARTS_SCHEMA))
    problem = _parts_schema[0].problem(data)
    if problem or root is None:
        message, path = (problem.message, problem.path) if problem else ("nothing", [])
        place = source.place(lookup(root, path)[0].start if root is not None else 0)
        raise TemplateError(message, place, ".".join(map(str, path)))
    applications = data.get("applicationContainers") or {}
    return Parts(
        data["container"],
        data.get("volumes") or [],
        applications.get("volumeMounts") or [],
        applications.get("env") or [],
        data.get("podAnnotations") or {},
        data.get("podLabels") or {},
        data.get("initContainers") or [],
        data.get("imagePullSecrets") or [],
        data.get("manifests") or [],
    )


def patch_container(container: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Return the container with the settings' `container` patch over it: maps merge, null removes, lists whose items all have
    a name merge by name, other lists replace (jsonmerge's objectMerge, arrayMergeById and overwrite).

    Raises SettingsError where jsonmerge cannot merge.
    """
    if not patch:
        return container
    from jsonmerge import merge as json_merge  # late: it imports jsonschema
    from jsonmerge.exceptions import JSONMergeError

    try:
        merged: dict[str, Any] = json_merge(container, patch, _merge_schema(container, patch))
    except JSONMergeError as error:
        raise SettingsError(f"the patch does not fit the container: {error}", field="container") from None
    return _without_nulls(merged, patch)


def _merge_schema(base: Any, patch: Any) -> dict[str, Any]:
    if isinstance(base, dict) and isinstance(patch, dict):
        properties = {key: _merge_schema(base.get(key), value) for key, value in patch.items()}
        return {"mergeStrategy": "objectMerge", "properties": properties}
    if isinstance(base, list) and isinstance(patch, list):
        names = [item.get("name") if isinstance(item, dict) else None for item in base]
        if all(names) and len(set(names)) == len(names) and all(isinstance(item, dict) and item.get("name") for item in patch):
            return {"mergeStrategy": "arrayMergeById", "mergeOptions": {"idRef": "name"}}
    return {"mergeStrategy": "overwrite"}


def _without_nulls(merged: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    kept = {}
    for key, value in merged.items():
        if key in patch and patch[key] is None:
            continue
        below = patch.get(key)
        kept[key] = _without_nulls(value, below) if isinstance(value, dict) and isinstance(below, dict) else value
    return kept
