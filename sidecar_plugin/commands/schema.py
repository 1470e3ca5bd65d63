"""`sidecar-plugin schema`: the JSON Schema of SidecarInjection, with the agents' values, for editors."""

import json
from typing import TYPE_CHECKING, Any

from sidecar_plugin.agents.agent import VALUES_SCHEMA, AgentFolder, default_values
from sidecar_plugin.agents.folders import AgentFolders
from sidecar_plugin.commands import Command
from sidecar_plugin.errors import Place, TemplateError
from sidecar_plugin.runtime.console import json_text, write
from sidecar_plugin.settings.layers import VALUES_KEY, schema

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


_DESCRIPTION = """\
Print the JSON Schema of SidecarInjection, with the values of the agents, for editors. Saved as FILE, this first line of a
document turns it on in editors that use yaml-language-server:

  # yaml-language-server: $schema=FILE
"""


class _Schema:
    summary = "the JSON Schema of SidecarInjection"
    description = _DESCRIPTION

    def configure(self, parser: "ArgumentParser") -> None:
        parser.add_argument("--of-values", action="store_true", help="of a chart's values, where `sidecars` holds the settings")
        parser.add_argument("--templates", metavar="DIR", action="append", default=[], help="a folder of further agents")

    def run(self, arguments: "Namespace") -> int:
        """Print the schema; return the exit status. Raises SidecarPluginError."""
        printed = editor_schema(tuple(arguments.templates), arguments.of_values)
        write(f"{json_text(printed, indent=2)}\n".encode())
        return 0


COMMAND: Command = _Schema()


Data = dict[str, Any]


_OF_WHOLE_VALUES = frozenset(
    ("$schema", "$id", "required", "dependentRequired", "dependentSchemas", "minProperties", "if", "then", "else", "allOf")
)


def editor_schema(templates: tuple[str, ...], of_values: bool) -> Data:
    """Return the schema of a SidecarInjection, or if `of_values` of a chart's values file, in which only `sidecars` is checked.

    Raises UsageError for a folder of agents that there is not, and TemplateError for an agent's schema that is no JSON and for
    values that are none.
    """
    whole = schema()
    folders = AgentFolders(templates)
    agents = {name: folder for name in folders.names() if (folder := folders.folder(name)) is not None}
    agent = whole["$defs"]["agent"]
    properties = {name: {"$ref": f"#/$defs/agent-{name}"} for name in agents}
    whole["$defs"]["spec"]["properties"]["agents"]["properties"] = properties
    for name, folder in agents.items():
        whole["$defs"][f"agent-{name}"] = _with_values(agent, name, folder)
    if not of_values:
        return whole
    return {
        "$schema": whole["$schema"],
        "$id": whole["$id"].replace("SidecarInjection.json", "values.json"),
        "title": f"Helm values with the key {VALUES_KEY}",
        "type": "object",
        "properties": {VALUES_KEY: {"$ref": "#/$defs/spec"}},
        "$defs": whole["$defs"],
    }


def _with_values(agent: Data, name: str, folder: AgentFolder) -> Data:
    """Return the schema of one agent's settings: the reserved keys and its values."""
    files = folder.read()
    text = files.get(VALUES_SCHEMA)
    if text is None:
        return {**agent, "description": f"The agent {name}: the reserved keys, and its values."}
    try:
        of_values = json.loads(text)
    except ValueError as error:
        raise TemplateError(f"not JSON: {error}", Place(folder.path(VALUES_SCHEMA), 1, 1)) from None
    defaults = default_values(folder, files)
    partial = _partial(of_values if isinstance(of_values, dict) else {}, defaults, f"#/$defs/agent-{name}")
    definitions = {"$defs": partial.pop("$defs")} if "$defs" in partial else {}
    return {
        **partial,
        **definitions,
        "type": ["object", "null"],
        "title": f"agent {name}",
        "description": f"The agent {name}: the reserved keys, and its values.",
        "properties": {**agent["properties"], **partial.get("properties", {})},
    }


def _partial(node: Data, default: Any, base: str) -> Data:
    """Return a values schema for a part of the values. `base` is where references within it lead from now on."""
    kept: Data = {}
    for key, value in node.items():
        if key in _OF_WHOLE_VALUES:
            continue
        if key == "properties":
            known = default if isinstance(default, dict) else {}
            kept[key] = {name: _partial(one, known.get(name), base) for name, one in value.items() if isinstance(one, dict)}
        elif key == "$defs":
            kept[key] = {name: _partial(one, None, base) for name, one in value.items() if isinstance(one, dict)}
        elif _is_reference(key, value):
            kept[key] = base + value[1:]
        elif key == "type":
            kept[key] = [*([value] if isinstance(value, str) else value), "null"]
        elif key == "enum":
            kept[key] = [*value, None]
        elif key == "const":
            kept["enum"] = [value, None]
        else:
            kept[key] = _moved(value, base)
    if default is not None and "default" not in kept and not isinstance(default, dict):
        kept["default"] = default
    return kept


def _moved(node: Any, base: str) -> Any:
    """Return a part of a schema with its references leading below `base`."""
    if isinstance(node, dict):
        return {key: base + value[1:] if _is_reference(key, value) else _moved(value, base) for key, value in node.items()}
    return [_moved(item, base) for item in node] if isinstance(node, list) else node


def _is_reference(key: str, value: Any) -> bool:
    return key == "$ref" and isinstance(value, str) and value.startswith("#")
