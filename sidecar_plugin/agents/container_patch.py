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
    a name merge by name, other lists replace (objectMerge, arrayMergeById and overwrite of jsonmerge).

    Raises SettingsError, with the field, for a name twice in a list and where no container comes out.
    """
    if not patch:
        return container
    patched = _without_nulls(_merged(container, patch), patch)
    problem = _PATCHED.problem(patched) or next(container_problems(patched), None)
    if problem:
        field = ".".join(map(str, [*problem.path, problem.key] if problem.key else problem.path))
        raise SettingsError(problem.message, field=field)
    return patched


def _merged(base: Any, patch: Any) -> Any:
    if isinstance(base, dict) and isinstance(patch, dict):
        return {**base, **{key: _merged(base[key], value) if key in base else value for key, value in patch.items()}}
    names, over = _names(base), _names(patch)
    if not names or not over or len(set(names)) < len(names):
        return patch
    if len(set(over)) < len(over):
        twice = next(name for index, name in enumerate(over) if name in over[:index])
        raise SettingsError(f'the patch does not fit the container: it names "{twice}" twice in one list')
    return list(_merged(dict(zip(names, base, strict=True)), dict(zip(over, patch, strict=True))).values())


def _names(items: Any) -> list[str]:
    """Return the names of the items of a list, none if it is not a list of named items."""
    if not isinstance(items, list):
        return []
    names = [item.get("name") if isinstance(item, dict) else None for item in items]
    return [name for name in names if isinstance(name, str)] if all(isinstance(name, str) and name for name in names) else []


def _without_nulls(merged: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    kept = {}
    for key, value in merged.items():
        if key in patch and patch[key] is None:
            continue
        below = patch.get(key)
        kept[key] = _without_nulls(value, below) if isinstance(value, dict) and isinstance(below, dict) else value
    return kept
