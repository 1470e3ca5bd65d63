"""Kubernetes' quantities as numbers.

Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/.
"""

import re
from decimal import Decimal
from typing import Any

GI = Decimal(1024**3)
_QUANTITY = re.compile(r"(?P<number>[+-]?(?:\d+\.?\d*|\.\d+))(?P<suffix>[KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?")
_SUFFIXES = {
    **{name: Decimal(1000) ** power for power, name in enumerate(("n", "u", "m", "", "k", "M", "G", "T", "P", "E"), -3)},
    **{f"{name}i": Decimal(1024) ** power for power, name in enumerate("KMGTPE", 1)},
}


def quantity(value: Any) -> Decimal | None:
    """Return the number that a quantity such as 100m, 1Gi or 1e3 means, None if it is none."""
    found = _QUANTITY.fullmatch(str(value))
    if found is None:
        return None
    suffix = found["suffix"] or ""
    factor = _SUFFIXES[suffix] if suffix in _SUFFIXES else Decimal(f"1{suffix}")
    return Decimal(found["number"]) * factor


def requested(containers: list[dict[str, Any]], resource: str) -> Decimal:
    """Return what the containers request together; where one has only a limit, that is its request too, as in Kubernetes."""
    total = Decimal(0)
    for container in containers:
        resources = container.get("resources") or {}
        asked = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
        total += quantity(asked.get(resource, 0)) or Decimal(0)
    return total
