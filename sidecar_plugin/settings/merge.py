"""Merging values as Helm does: maps merge, everything else (lists too) replaces, null removes a key.

Source: https://helm.sh/docs/chart_template_guide/values_files/ ("Deleting a default key").
"""

from typing import Any


def merge(base: dict[str, Any], override: dict[str, Any]) -> dict[str, Any]:
    """Return `base` with `override` over it: maps merge, anything else replaces, null removes. Neither is changed."""
    merged = dict(base)
    for key, value in override.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            below = merged.get(key)
            merged[key] = merge(below if isinstance(below, dict) else {}, value)
        else:
            merged[key] = value
    return merged


def layer(base: dict[str, Any], override: dict[str, Any]) -> dict[str, Any]:
    """Return `base` with `override` over it as `merge`, but keep nulls: they still have a layer below to act on."""
    merged = dict(base)
    for key, value in override.items():
        below = merged.get(key)
        merged[key] = layer(below, value) if isinstance(value, dict) and isinstance(below, dict) else value
    return merged
