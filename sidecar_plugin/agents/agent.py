"""An agent: a folder of templates and values that renders to the parts a pod needs.

Templates are Jinja2, sandboxed (see `sandbox`); undefined names are errors.
"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from sidecar_plugin import __version__
from sidecar_plugin.agents.parts import Parts
from sidecar_plugin.agents.protocol import RenderError
from sidecar_plugin.agents.reads import Read
from sidecar_plugin.agents.renderings import Renderings
from sidecar_plugin.errors import Place, SidecarPluginError, TemplateError, did_you_mean
from sidecar_plugin.kubernetes.quantities import PRESETS, scaled
from sidecar_plugin.runtime.cache import RIGHT, kept_results
from sidecar_plugin.runtime.json_schema import Problem, Schema, name_of
from sidecar_plugin.settings.merge import merge
from sidecar_plugin.settings.settings import PRESET, RESERVED
from sidecar_plugin.yamledit.access import key_place
from sidecar_plugin.yamledit.construct import DataError, to_data
from sidecar_plugin.yamledit.equality import same_data
from sidecar_plugin.yamledit.nodes import ParseError
from sidecar_plugin.yamledit.parser import parse
from sidecar_plugin.yamledit.source import Source

if TYPE_CHECKING:
    from sidecar_plugin.agents.sandbox_process import Templates

TEMPLATE = "agent.yaml.j2"
VALUES = "values.yaml"
VALUES_SCHEMA = "values.schema.json"


class AgentFolder(NamedTuple):
    """The files of an agent, read when they are needed.

    `origin` is where they were found: a path, or for an inline template the setting. `signature` stands for their content in
    the keys of kept results, so it must change when one of them does. The program's own, `is_built_in`, are trusted.
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


class Agent:
    """An agent that can be rendered; its files are read and compiled when a rendering is not known from an earlier run."""

    __slots__ = ("_folder", "_looks", "_memo", "_renderings", "_templates", "_values", "name")

    def __init__(self, folder: AgentFolder) -> None:
        self.name = folder.name
        self._folder = folder
        self._memo = kept_results()
        self._templates: Templates | None = None
        self._values: _Values | None = None
        self._looks: bool | None = None
        self._renderings = Renderings(self._memo, (__version__, folder.signature), folder.path(TEMPLATE))

    def render(
        self,
        overrides: tuple[dict[str, Any], ...],
        context: dict[str, Any],
        workload: Callable[[], dict[str, Any]],
        seen: set[Read] | None = None,
    ) -> Parts:
        """Return the agent's parts for `context` (cluster, declaration), the workload, which is asked for when the template
        looks at it, and the agent's default values with `overrides` over them, weakest first, as Helm merges. Add to `seen`
        what the template read of the workload, also where it failed.

        Raises ValuesError for values that the agent's schema does not take, and TemplateError with the template's file and
        line, or the place in what it rendered.
        """
        inputs = json.dumps([overrides, context], ensure_ascii=False, separators=(",", ":"))
        known = self._renderings.find(inputs, workload)
        if known is not None:
            parts, reads = known
            if seen is not None:
                seen.update(reads)
            return parts
        whole = {**context, "workload": workload()} if self._looks_at_workload() else context
        templates, values = self._read()
        new: set[Read] = set()
        try:
            text = _render(self._folder, templates, {**whole, "values": values.merged(overrides)}, new)
        finally:
            if seen is not None:
                seen.update(new)
        return self._renderings.add(inputs, new, workload, text)

    def _looks_at_workload(self) -> bool:
        """Say whether a template names the workload at all: else it is not worked out, whatever is wrong with it."""
        if self._looks is None:
            key = self._memo.key("looks at the workload", __version__, self._folder.signature)
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

    @property
    def has_resources(self) -> bool:
        """Whether its values name resources that a preset changes."""
        return self._read_values().has_resources

    def _read_values(self) -> "_Values":
        if self._values is None:
            self._values = _Values(self._folder, self._folder.read())
        return self._values

    def check(self, override: dict[str, Any]) -> None:
        """Raise ValuesError if the agent does not take these values over its defaults."""
        key = self._memo.key("values", __version__, self._folder.signature, override)
        if self._memo.get(key) is None:
            self._read_values().merged((override,))
            self._memo.put(key, RIGHT)


class _Values:
    """An agent's default values and their schema, read."""

    __slots__ = ("_built_in", "_defaults", "_folder", "_last", "_schema")

    def __init__(self, folder: AgentFolder, files: dict[str, str]) -> None:
        self._folder = folder
        self._defaults = default_values(folder, files)
        self._schema = schema = files.get(VALUES_SCHEMA)
        is_built_in = schema is not None and folder.is_built_in
        self._built_in = Schema(folder.signature, lambda: json.loads(schema or "")) if is_built_in else None
        self._last: tuple[tuple[dict[str, Any], ...], dict[str, Any]] | None = None

    def merged(self, overrides: tuple[dict[str, Any], ...]) -> dict[str, Any]:
        if self._last and same_data(self._last[0], overrides):
            return self._last[1]
        values = self._sized(overrides)
        for override in overrides:
            values = merge(values, {key: value for key, value in override.items() if key != PRESET})
        problem = self._problem(values)
        if problem:
            raise ValuesError(self._explained(problem, overrides))
        self._last = (overrides, values)
        return values

    def _sized(self, overrides: tuple[dict[str, Any], ...]) -> dict[str, Any]:
        """Return the default values with the resources of the preset that the last override names. Raises ValuesError."""
        preset = next((one[PRESET] for one in reversed(overrides) if PRESET in one), None)
        if preset is None:
            return self._defaults
        if not isinstance(preset, str) or preset not in PRESETS:
            near = did_you_mean(str(preset), PRESETS)
            raise ValuesError(Problem([], f"must be small, medium or large, but is {name_of(preset)}{near}", PRESET))
        if not self.has_resources:
            message = "has no effect: the values of this agent name no CPU or memory under resources; set container.resources"
            raise ValuesError(Problem([], message, PRESET))
        try:
            return {**self._defaults, "resources": scaled(self._defaults["resources"], PRESETS[preset])}
        except ValueError as error:
            raise ValuesError(Problem([], f"cannot be applied to the agent's resources: {error}", PRESET)) from None

    @property
    def has_resources(self) -> bool:
        """Whether the default values name CPU or memory that a preset changes."""
        resources = self._defaults.get("resources")
        kinds = resources.values() if isinstance(resources, dict) else ()
        return any(isinstance(one, dict) and not {"cpu", "memory"}.isdisjoint(one) for one in kinds)

    def _explained(self, problem: Problem, overrides: tuple[dict[str, Any], ...]) -> Problem:
        """Return the problem, with what to write instead where a null removed a value that the template needs, and with the
        setting that a misspelt key is near to: agents have keys that are no values, such as `enabled`."""
        if problem.key and not problem.path and (near := did_you_mean(problem.key, [*RESERVED, PRESET, *self._defaults])):
            return problem._replace(message=f'unknown key "{problem.key}"{near}')
        if not problem.missing:
            return problem
        default: Any = self._defaults
        removed: list[Any] = list(overrides)
        for step in [*problem.path, problem.missing]:
            default = default.get(step) if isinstance(default, dict) else None
            removed = [one[step] for one in removed if isinstance(one, dict) and step in one]
        if default is None or None not in removed:
            return problem
        empty: dict[type, str] = {dict: "{}", list: "[]", str: '""'}
        instead = empty.get(type(default)) or json.dumps(default)
        message = f'"{problem.missing}" cannot be null: the template needs it; write {problem.missing}: {instead}'
        return problem._replace(message=message)

    def _problem(self, values: dict[str, Any]) -> Problem | None:
        """Return what the agent's schema has against the values. Raises TemplateError for a schema that cannot be applied.

        A schema of the user's own is applied where templates are rendered: it can take any time and memory.
        """
        if self._schema is None:
            return None
        if self._built_in is not None:
            return self._built_in.problem(values)
        memo = kept_results()
        key = memo.key("valid", self._folder.signature, values)
        if memo.get(key) == RIGHT:
            return None
        from sidecar_plugin.agents.sandbox_process import schema_problem  # late, as for templates

        try:
            found = schema_problem(self._schema, values)
        except RenderError as error:
            raise TemplateError(error.message, Place(self._folder.path(VALUES_SCHEMA), 1, 1)) from None
        if found is None:
            memo.put(key, RIGHT)
        return found


def _compile(folder: AgentFolder, files: dict[str, str]) -> "Templates":
    if TEMPLATE not in files:
        raise TemplateError(f"the agent {folder.name} has no {TEMPLATE}", Place(folder.origin, 1, 1))
    from sidecar_plugin.agents.sandbox_process import Templates  # late: a rendering that is known does not need it

    try:
        paths = {name: folder.path(name) for name in files}
        return Templates(files, paths, TEMPLATE, is_built_in=folder.is_built_in)
    except RenderError as error:
        raise _template_error(folder, error) from None


def _render(folder: AgentFolder, templates: "Templates", context: dict[str, Any], reads: set[Read]) -> str:
    try:
        return templates.render(context, reads)
    except RenderError as error:
        raise _template_error(folder, error) from None


def _template_error(folder: AgentFolder, error: RenderError) -> TemplateError:
    return TemplateError(
        f"agent {folder.name}: {error.message}", Place(error.file or folder.path(TEMPLATE), error.line or 1, 1)
    )


def default_values(folder: AgentFolder, files: dict[str, str]) -> dict[str, Any]:
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
    reserved = sorted({*RESERVED, PRESET}.intersection(data))
    if reserved:
        key = reserved[0]
        message = (
            f'"{key}" is a key of the settings, not a value of the template: set agents.{folder.name}.{key} in the settings'
        )
        raise TemplateError(message, source.place(key_place(root, [], key) if root is not None else 0))
    return data
