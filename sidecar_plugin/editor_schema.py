"""The JSON Schema as an editor needs it: that of the settings, with the values of every agent there is.

The program itself checks values after they were merged; what a user writes is a part of them. So along the way of merging (not
inside lists, which replace) nothing is required, null is allowed (it takes a default away), and conditions between values are
left out. Defaults come from the agents' values.yaml.
"""

import json
from typing import Any

from sidecar_plugin.agent_folders import AgentFolders
from sidecar_plugin.agents import VALUES, VALUES_SCHEMA, AgentFolder
from sidecar_plugin.config import VALUES_KEY, schema
from sidecar_plugin.errors import Place, TemplateError
from sidecar_plugin.parsing import parse
from sidecar_plugin.plain_data import to_data

Data = dict[str, Any]

_OF_WHOLE_VALUES = frozenset(
    ("$schema", "$id", "required", "dependentRequired", "dependentSchemas", "minProperties", "if", "then", "else", "allOf")
)


def editor_schema(templates: tuple[str, ...], of_values: bool) -> Data:
    """Return the schema of a SidecarInjection, or if `of_values` of a chart's values file, in which only `sidecars` is checked.

    Raises UsageError for a folder of agents that there is not, and TemplateError for an agent's schema that is no JSON.
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
    root = parse(files.get(VALUES, "")).root
    defaults = to_data(root) if root is not None else {}
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
