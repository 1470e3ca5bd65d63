"""Kubernetes quantities, and an agent's resources as a share of the application's own.

The grammar of a quantity: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

_QUANTITY = re.compile(
    r"\+?(?P<whole>[0-9]{0,30})(?:\.(?P<part>[0-9]{0,30}))?(?P<suffix>[eE](?P<exponent>[+-]?[0-9]{1,2})|[numkMGTPE]|[KMGTPE]i|)"
)
WHOLE = 10**9
"""One core or one byte. The smallest step of a quantity is a billionth; anything smaller is rounded up to one."""
_FACTORS = {
    "n": 1,
    "u": 1000,
    "m": 1000**2,
    "": WHOLE,
    **{suffix: WHOLE * 1000**power for power, suffix in enumerate("kMGTPE", 1)},
    **{f"{suffix}i": WHOLE * 1024**power for power, suffix in enumerate("KMGTPE", 1)},
}
GI = WHOLE * 1024**3
"""One gibibyte."""
UNITS = {"cpu": (WHOLE, "cores"), "memory": (GI, "GiB"), "ephemeral-storage": (GI, "GiB")}
"""The unit in which an amount of a resource is shown, and its name."""
_MIB = ("Mi", WHOLE * 1024**2)
_STEPS = {"cpu": ("m", 1000**2), "memory": _MIB, "ephemeral-storage": _MIB}
"""What a share is rounded up to. Other resources, such as GPUs, are the application's alone."""


def parse_quantity(value: str | float) -> int:
    """Return what a quantity stands for, in billionths of a core or of a byte.

    Raises ValueError for what is no quantity, and for less than nothing.
    """
    text = str(value)
    found = None if isinstance(value, bool) else _QUANTITY.fullmatch(text)
    digits = found["whole"] + (found["part"] or "") if found else ""
    if not found or not digits:
        raise ValueError(f'not a Kubernetes quantity: "{text[:40]}"')
    exponent = int(found["exponent"] or 0)
    factor = WHOLE * 10 ** max(exponent, 0) if found["exponent"] else _FACTORS[found["suffix"]]
    return _divided_up(int(digits) * factor, 10 ** (len(found["part"] or "") + max(-exponent, 0)))


def with_share_of(
    resources: Mapping[str, Any], containers: Iterable[Mapping[str, Any]], percent: int
) -> dict[str, dict[str, Any]]:
    """Return the resources of a container, each raised to `percent` of what `containers` have of it, all together.

    Only what the resources name of CPU, memory and ephemeral storage is raised, and nothing is lowered. As for the scheduler, a
    container that says a limit and no request requests its limit. A limit is raised to the request where it would be below it.
    Raises ValueError for a quantity of a container that is none.
    """
    raised = {kind: dict(quantities or {}) for kind, quantities in resources.items()}
    containers = list(containers)
    for kind, quantities in raised.items():
        for name in _STEPS.keys() & quantities.keys():
            share = _divided_up(sum(_asked(container, kind, name) for container in containers) * percent, 100)
            if share > parse_quantity(quantities[name]):
                quantities[name] = _rounded_up(share, name)
    limits = raised.get("limits", {})
    for name, request in raised.get("requests", {}).items():
        if name in limits and parse_quantity(request) > parse_quantity(limits[name]):
            limits[name] = request
    return raised


PRESETS = {"small": 1, "medium": 2, "large": 4}
"""How many times its own resources an agent gets, by the name of the size."""


def scaled(resources: Mapping[str, Any], factor: int) -> dict[str, Any]:
    """Return the resources of a container with `factor` times the CPU and memory. Raises ValueError for what is no quantity."""
    return {
        kind: {name: _times(value, factor, name) for name, value in quantities.items()}
        if isinstance(quantities, Mapping)
        else quantities
        for kind, quantities in resources.items()
    }


def _times(value: Any, factor: int, name: str) -> Any:
    if name not in ("cpu", "memory"):
        return value
    whole = re.fullmatch(r"([0-9]{1,30})([a-zA-Z]*)", str(value))
    amount = parse_quantity(value) * factor
    return f"{int(whole[1]) * factor}{whole[2]}" if whole else _rounded_up(amount, name)


def _asked(container: Mapping[str, Any], kind: str, name: str) -> int:
    resources = container["resources"]
    for source in (kind, "limits"):
        quantities = resources.get(source)
        value = quantities.get(name) if isinstance(quantities, Mapping) else None
        if value is not None:
            try:
                return parse_quantity(value)
            except ValueError as error:
                raise ValueError(f'container "{container["name"]}": resources.{source}.{name}: {error}') from None
    return 0


def _rounded_up(value: int, name: str) -> str:
    suffix, step = _STEPS[name]
    return f"{_divided_up(value, step)}{suffix}"


def _divided_up(value: int, by: int) -> int:
    return -(-value // by)


def requested(containers: Iterable[Mapping[str, Any]], resource: str) -> int:
    """Return what the containers request together, in billionths; a limit without a request counts as the request.

    That is Kubernetes' own rule: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/. A value that
    is not a quantity counts as nothing: the API server refuses it.
    """
    return sum(_quantity_or_zero(_request(container, resource)) for container in containers)


def _request(container: Mapping[str, Any], resource: str) -> Any:
    resources = container.get("resources")
    for kind in ("requests", "limits"):
        amounts = resources.get(kind) if isinstance(resources, Mapping) else None
        if isinstance(amounts, Mapping) and resource in amounts:
            return amounts[resource]
    return 0


def _quantity_or_zero(value: Any) -> int:
    try:
        return parse_quantity(value)
    except ValueError:
        return 0
