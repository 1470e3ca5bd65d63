"""An agent: a folder of templates and values that renders to the parts a pod needs.

Templates are Jinja2, sandboxed (see `sandbox`); undefined names are errors.
"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from sidecar_plugin import __version__
from sidecar_plugin.errors import Place, SettingsError, SidecarPluginError, TemplateError
from sidecar_plugin.memo import RIGHT, Memo, key_of
from sidecar_plugin.nodes import ParseError, Target
from sidecar_plugin.parsing import parse
from sidecar_plugin.plain_data import DataError, key_place, lookup, to_data
from sidecar_plugin.schemas import Problem, Schema
from sidecar_plugin.source import Source
from sidecar_plugin.values import merge

if TYPE_CHECKING:
    from sidecar_plugin.pieces import Pieces
    from sidecar_plugin.sandbox import RenderError
    from sidecar_plugin.sandbox_process import Templates

TEMPLATE = "agent.yaml.j2"
VALUES = "values.yaml"
VALUES_SCHEMA = "values.schema.json"
MAX_PARSED = 100  # renderings kept as data; most workloads of a stream share one

_NAMED: dict[str, Any] = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "minLength": 1}}}
_STRINGS = {"type": ["object", "null"], "additionalProperties": {"type": "string"}}
_CONTAINER: dict[str, Any] = {
    "type": "object",
    "required": ["name", "image"],
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "image": {"type": "string", "minLength": 1},
        "env": {"type": ["array", "null"], "items": _NAMED},
        "volumeMounts": {"type": ["array", "null"], "items": _NAMED},
    },
}
_PARTS_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["container"],
    "additionalProperties": False,
    "properties": {
        "container": _CONTAINER,
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
        "initContainers": {"type": ["array", "null"], "items": _CONTAINER},
        "imagePullSecrets": {"type": ["array", "null"], "items": _NAMED},
        "manifests": {
            "type": ["array", "null"],
            "items": {
                "type": "object",
                "required": ["apiVersion", "kind", "metadata"],
                "properties": {
                    "apiVersion": {"type": "string"},
                    "kind": {"type": "string"},
                    "metadata": {
                        **_NAMED,
                        "properties": {**_NAMED["properties"], "namespace": {"type": "string"}, "annotations": _STRINGS},
                    },
                },
            },
        },
    },
}


class AgentFolder(NamedTuple):
    """The files of an agent, read when they are needed.

    `origin` is where they were found: a path, or for an inline template the setting. `signature` stands for their content in
    the keys of a Memo, so it must change when one of them does. The program's own, `is_built_in`, are trusted.
    """

    name: str
    origin: str
    signature: str
    read: Callable[[], dict[str, str]]
    is_inline: bool = False
    is_built_in: bool = False

    def path(self, file: str) -> str:
        """Return what a message calls one of the files."""
        return self.origin if self.is_inline else f"{self.origin}/{file}"


class ValuesError(SidecarPluginError):
    """Values that the agent's values.schema.json does not take; `problem` says which."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


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
    """An agent that can be rendered; its files are read and compiled when a rendering is not known from an earlier run."""

    __slots__ = ("_folder", "_last", "_looks", "_memo", "_parsed", "_pieces", "_templates", "_values", "name")

    def __init__(self, folder: AgentFolder, memo: Memo) -> None:
        self.name = folder.name
        self._folder = folder
        self._memo = memo
        self._templates: Templates | None = None
        self._values: _Values | None = None
        self._parsed: dict[str, Parts] = {}
        self._pieces: Pieces | None = None
        self._looks: bool | None = None
        self._last: tuple[Any, Parts] | None = None  # of a template that does not look at the workload

    def render(
        self, overrides: tuple[dict[str, Any], ...], context: dict[str, Any], workload: Callable[[], dict[str, Any]]
    ) -> Parts:
        """Return the agent's parts for `context` (cluster, declaration), the workload, which is asked for when the template
        looks at it, and the agent's default values with `overrides` over them, weakest first, as Helm merges.

        Raises ValuesError for values that the agent's schema does not take, and TemplateError with the template's file and
        line, or the place in what it rendered.
        """
        if self._last is not None and self._last[0] == (overrides, context):
            return self._last[1]
        whole = {**context, "workload": workload()} if self._looks_at_workload() else context
        key = "" if self._memo.is_full else key_of("rendered", __version__, self._folder.signature, overrides, whole)
        known = self._memo.get(key) if key else None
        if known is not None:
            parts = self._parts(known)
        else:
            templates, values = self._read()
            text = _render(self._folder, templates, {**whole, "values": values.merged(overrides, self._memo)})
            parts = self._parts(text)
            if key:
                self._memo.put(key, text)
        if whole is context:
            self._last = ((overrides, context), parts)
        return parts

    def _looks_at_workload(self) -> bool:
        """Say whether a rendering depends on the workload, so that each workload needs its own."""
        if self._looks is None:
            key = key_of("looks at the workload", __version__, self._folder.signature)
            known = self._memo.get(key)
            if known is None:
                known = str(self._read()[0].uses_workload)
                self._memo.put(key, known)
            self._looks = known == str(True)
        return self._looks

    def _read(self) -> "tuple[Templates, _Values]":
        if self._templates is None or self._values is None:
            files = self._folder.read()
            self._values = _Values(self._folder, files)
            self._templates = _compile(self._folder, files)
        return self._templates, self._values

    def check(self, override: dict[str, Any]) -> None:
        """Raise ValuesError if the agent does not take these values over its defaults."""
        key = key_of("values", __version__, self._folder.signature, override)
        if self._memo.get(key) is None:
            if self._values is None:
                self._values = _Values(self._folder, self._folder.read())
            self._values.merged((override,), self._memo)
            self._memo.put(key, RIGHT)

    def _parts(self, text: str) -> Parts:
        parts = self._parsed.get(text)
        if parts is None:
            if len(self._parsed) >= MAX_PARSED:
                self._parsed.clear()
            if self._parsed and self._pieces is None:
                from sidecar_plugin.pieces import Pieces  # late: of use where there is a second rendering

                self._pieces = Pieces()
            source = Source(f"{self._folder.path(TEMPLATE)} (rendered)", text)
            parts = self._parsed[text] = _parts(source, self._memo, self._pieces)
        return parts


class _Values:
    """An agent's default values and their schema, read."""

    __slots__ = ("_defaults", "_folder", "_last", "_schema")

    def __init__(self, folder: AgentFolder, files: dict[str, str]) -> None:
        self._folder = folder
        self._defaults = _defaults(folder, files)
        self._schema = _values_schema(folder, files)
        self._last: tuple[tuple[dict[str, Any], ...], dict[str, Any]] | None = None

    def merged(self, overrides: tuple[dict[str, Any], ...], memo: Memo) -> dict[str, Any]:
        if self._last and self._last[0] == overrides:
            return self._last[1]
        values = self._defaults
        for override in overrides:
            values = merge(values, override)
        try:
            problem = self._schema.problem(values, memo) if self._schema else None
        except ValueError as error:
            words = str(error).splitlines()[0]
            raise TemplateError(f"not a JSON Schema: {words}", Place(self._folder.path(VALUES_SCHEMA), 1, 1)) from None
        if problem:
            raise ValuesError(problem)
        self._last = (overrides, values)
        return values


def _compile(folder: AgentFolder, files: dict[str, str]) -> "Templates":
    if TEMPLATE not in files:
        raise TemplateError(f"the agent {folder.name} has no {TEMPLATE}", Place(folder.origin, 1, 1))
    from sidecar_plugin.sandbox import RenderError  # late: a rendering that is known does not need Jinja2
    from sidecar_plugin.sandbox_process import Templates

    try:
        paths = {name: folder.path(name) for name in files}
        return Templates(files, paths, TEMPLATE, is_built_in=folder.is_built_in)
    except RenderError as error:
        raise _template_error(folder, error) from None


def _render(folder: AgentFolder, templates: "Templates", context: dict[str, Any]) -> str:
    from sidecar_plugin.sandbox import RenderError

    try:
        return templates.render(context)
    except RenderError as error:
        raise _template_error(folder, error) from None


def _template_error(folder: AgentFolder, error: "RenderError") -> TemplateError:
    return TemplateError(
        f"agent {folder.name}: {error.message}", Place(error.file or folder.path(TEMPLATE), error.line or 1, 1)
    )


def _defaults(folder: AgentFolder, files: dict[str, str]) -> dict[str, Any]:
    text = files.get(VALUES)
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


def _values_schema(folder: AgentFolder, files: dict[str, str]) -> Schema | None:
    text = files.get(VALUES_SCHEMA)
    return None if text is None else Schema(folder.signature, lambda: json.loads(text))


def _known_parts_schema() -> dict[str, Any]:
    return _PARTS_SCHEMA


def _known_container_schema() -> dict[str, Any]:
    return _CONTAINER


_PARTS = Schema(f"parts {__version__}", _known_parts_schema)
_PATCHED = Schema(f"container {__version__}", _known_container_schema)


def _parts(source: Source, memo: Memo, pieces: "Pieces | None") -> Parts:
    data = pieces.to_data(source.text) if pieces else None
    if data is None:
        data = _whole(source)[1]
    problem = _PARTS.problem(data, memo)
    if problem:
        root, path = _whole(source)[0], problem.path
        offset = 0
        if root is not None:
            offset = key_place(root, path, problem.key) if problem.key else lookup(root, path)[0].start
        raise TemplateError(problem.message, source.place(offset), ".".join(map(str, path)))
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


def _whole(source: Source) -> tuple[Target | None, Any]:
    """Return the rendering as nodes and as data. Raises TemplateError."""
    try:
        root = parse(source.text).root
        return root, None if root is None else to_data(root)
    except (ParseError, DataError) as error:
        raise TemplateError(error.message, source.place(error.offset)) from None


def patch_container(container: dict[str, Any], patch: dict[str, Any], memo: Memo) -> dict[str, Any]:
    """Return the container with the settings' `container` patch over it: maps merge, null removes, lists whose items all have
    a name merge by name, other lists replace (jsonmerge's objectMerge, arrayMergeById and overwrite).

    Raises SettingsError, with the field, where jsonmerge cannot merge and where no container comes out.
    """
    if not patch:
        return container
    from jsonmerge import merge as json_merge  # late: it imports jsonschema
    from jsonmerge.exceptions import JSONMergeError

    try:
        merged: dict[str, Any] = json_merge(container, patch, _merge_schema(container, patch))
    except JSONMergeError as error:
        raise SettingsError(f"the patch does not fit the container: {error}") from None
    patched = _without_nulls(merged, patch)
    problem = _PATCHED.problem(patched, memo)
    if problem:
        field = ".".join(map(str, [*problem.path, problem.key] if problem.key else problem.path))
        raise SettingsError(problem.message, field=field)
    return patched


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
