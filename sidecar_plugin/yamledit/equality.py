"""Equality of plain data as YAML and JSON have it.

In Python true, 1 and 1.0 are equal; in a manifest they are different values. Maps are equal in any order of their keys.
"""

from typing import Any


def same_data(left: Any, right: Any) -> bool:
    """Say whether two values mean the same: equal types, equal values, maps in any order, lists in the same order."""
    if left is right:
        return True
    if isinstance(left, dict):
        return (
            isinstance(right, dict)
            and len(left) == len(right)
            and all(key in right and same_data(value, right[key]) for key, value in left.items())
        )
    if isinstance(left, (list, tuple)):
        return isinstance(right, type(left)) and len(left) == len(right) and all(map(same_data, left, right))
    if type(left) is not type(right):
        return False
    return repr(left) == repr(right) if isinstance(left, float) else bool(left == right)  # -0.0 is not 0.0
