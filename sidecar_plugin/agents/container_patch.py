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

    Raises SettingsError, with the field, where jsonmerge cannot merge and where no container comes out.
    """
    if not patch:
        return container
    from jsonmerge import merge as json_merge  # late: it imports jsonschema
    from jsonmerge.exceptions import JSONMergeError

    try:
        base, over, schema = _by_name(container, patch)
        merged: dict[str, Any] = _as_lists(json_merge(base, over, schema), over)
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

    jsonmerge's arrayMergeById compares each item with each, which takes 10 s for 800 items; maps take time in proportion.
    """
    if isinstance(base, dict) and isinstance(patch, dict):
        bases, patches, properties = dict(base), dict(patch), {}
        for key, value in patch.items():
            below, patches[key], properties[key] = _by_name(base.get(key), value)
            if key in base:
                bases[key] = below
        return bases, patches, {"mergeStrategy": "objectMerge", "properties": properties}
    names, over = _names(base), _names(patch)
    if names and over and len(set(names)) == len(names):
        if len(set(over)) < len(over):
            twice = next(name for index, name in enumerate(over) if name in over[:index])
            raise SettingsError(f'the patch does not fit the container: it names "{twice}" twice in one list')
        schema = {"mergeStrategy": "objectMerge"}
        return _Named(zip(names, base, strict=True)), _Named(zip(over, patch, strict=True)), schema
    return base, patch, {"mergeStrategy": "overwrite"}


class _Named(dict[str, Any]):
    """A list of items that have different names, by name."""


def _names(items: Any) -> list[str]:
    """Return the names of the items of a list, none if it is not a list of named items."""
    if not isinstance(items, list):
        return []
    names = [item.get("name") if isinstance(item, dict) else None for item in items]
    return [name for name in names if isinstance(name, str)] if all(isinstance(name, str) and name for name in names) else []


def _as_lists(merged: Any, patch: Any) -> Any:
    """Return the merged value with maps by name as lists again."""
    if isinstance(patch, _Named):
        return list(merged.values())
    if isinstance(patch, dict):
        return {key: _as_lists(value, patch.get(key)) for key, value in merged.items()}
    return merged


def _without_nulls(merged: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    kept = {}
    for key, value in merged.items():
        if key in patch and patch[key] is None:
            continue
        below = patch.get(key)
        kept[key] = _without_nulls(value, below) if isinstance(value, dict) and isinstance(below, dict) else value
    return kept
