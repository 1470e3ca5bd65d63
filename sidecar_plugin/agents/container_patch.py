"""The settings' patch of an agent's finished container."""

from typing import Any

from sidecar_plugin import __version__
from sidecar_plugin.agents.parts import CONTAINER, with_kubernetes_types
from sidecar_plugin.errors import SettingsError
from sidecar_plugin.kubernetes.api_rules import container_problems
from sidecar_plugin.runtime.json_schema import Schema

_PATCHED = Schema(f"container, Kubernetes' types, {__version__}", lambda: with_kubernetes_types(CONTAINER))


def patch_container(container: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Return the container with the settings' `container` patch over it: maps merge, null removes, lists whose items all have
    a name merge by name, other lists replace (jsonmerge's objectMerge, arrayMergeById and overwrite).

    Raises SettingsError, with the field, where jsonmerge cannot merge, and where no container comes out.
    """
    if not patch:
        return container
    from jsonmerge import merge as json_merge  # late: it imports jsonschema
    from jsonmerge.exceptions import JSONMergeError

    try:
        base, over, schema = _by_name(container, patch)
        merged: dict[str, Any] = _as_lists(json_merge(base, over, schema), over, schema)
    except JSONMergeError as error:
        raise SettingsError(f"the patch does not fit the container: {error}") from None
    patched = _without_nulls(merged, patch)
    problem = _PATCHED.problem(patched) or next(container_problems(patched), None)
    if problem:
        field = ".".join(map(str, [*problem.path, problem.key] if problem.key else problem.path))
        raise SettingsError(problem.message, field=field)
    return patched


def _by_name(base: Any, patch: Any) -> tuple[Any, Any, dict[str, Any]]:
    """Return both values with lists of named items as maps by name, and the schema by which jsonmerge merges them.

    jsonmerge's arrayMergeById compares each item with each, which takes 10 s for 800 items; maps take time in proportion. It
    looks properties up by a URL, where a key such as `A%41` is another, so keys are written as `_encoded` does.
    """
    if isinstance(base, dict) and isinstance(patch, dict):
        bases = {_encoded(key): value for key, value in base.items()}
        patches, properties = {}, {}
        for name, value in patch.items():
            key = _encoded(name)
            below, patches[key], properties[key] = _by_name(base.get(name), value)
            if key in bases:
                bases[key] = below
        return bases, patches, {"mergeStrategy": "objectMerge", "properties": properties}
    names, over = _names(base), _names(patch)
    if names and over and len(set(names)) == len(names):
        if len(set(over)) < len(over):
            twice = next(name for index, name in enumerate(over) if name in over[:index])
            raise SettingsError(f'the patch does not fit the container: it names "{twice}" twice in one list')
        items = _Named(zip(map(_encoded, names), base, strict=True))
        return items, _Named(zip(map(_encoded, over), patch, strict=True)), {"mergeStrategy": "objectMerge"}
    return base, patch, {"mergeStrategy": "overwrite"}


def _encoded(key: str) -> str:
    return f"k{key.encode('utf-8', 'surrogatepass').hex()}"


def _decoded(key: str) -> str:
    return bytes.fromhex(key[1:]).decode("utf-8", "surrogatepass")


class _Named(dict[str, Any]):
    """A list of items that have different names, by name."""


def _names(items: Any) -> list[str]:
    """Return the names of the items of a list, none if it is not a list of named items."""
    if not isinstance(items, list):
        return []
    names = [item.get("name") if isinstance(item, dict) else None for item in items]
    return [name for name in names if isinstance(name, str)] if all(isinstance(name, str) and name for name in names) else []


def _as_lists(merged: Any, patch: Any, schema: dict[str, Any]) -> Any:
    """Return the merged value with maps by name as lists again, and with the keys as they were."""
    if isinstance(patch, _Named):
        return list(merged.values())
    if "properties" not in schema:
        return merged
    below = schema["properties"]
    return {_decoded(key): _as_lists(value, patch[key], below[key]) if key in below else value for key, value in merged.items()}


def _without_nulls(merged: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    kept = {}
    for key, value in merged.items():
        if key in patch and patch[key] is None:
            continue
        below = patch.get(key)
        kept[key] = _without_nulls(value, below) if isinstance(value, dict) and isinstance(below, dict) else value
    return kept
