"""The settings' patch of an agent's finished container."""

from typing import Any

from sidecar_plugin import __version__
from sidecar_plugin.agents.parts import CONTAINER, request_above_limit, with_kubernetes_types
from sidecar_plugin.errors import SettingsError
from sidecar_plugin.runtime.cache import Memo
from sidecar_plugin.runtime.json_schema import Schema

_PATCHED = Schema(f"container, Kubernetes' types, {__version__}", lambda: with_kubernetes_types(CONTAINER))


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
    problem = _PATCHED.problem(patched, memo) or request_above_limit(patched)
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
