"""Kubernetes quantities, and an agent's resources as a share of the application's own.

The grammar of a quantity: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

_QUANTITY = re.compile(
    r"\+?(?P<digits>[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(?P<suffix>[eE][+-]?[0-9]{1,2}|[numkMGTPE]|[KMGTPE]i|)"
)
_FACTORS = {
    "": Fraction(1),
    **{suffix: Fraction(1000) ** power for power, suffix in zip((-3, -2, -1), "num", strict=True)},
    **{suffix: Fraction(1000) ** power for power, suffix in enumerate("kMGTPE", 1)},
    **{f"{suffix}i": Fraction(1024) ** power for power, suffix in enumerate("KMGTPE", 1)},
}
_STEPS = {"cpu": (Fraction(1, 1000), "m"), "memory": (Fraction(1024**2), "Mi"), "ephemeral-storage": (Fraction(1024**2), "Mi")}
"""What a share is rounded up to. Other resources, such as GPUs, are the application's alone."""


def parse_quantity(value: str | float) -> Fraction:
    """Return what a quantity stands for, in cores or bytes. Raises ValueError for what is none, and for less than nothing."""
    text = str(value)
    found = None if isinstance(value, bool) else _QUANTITY.fullmatch(text)
    if not found:
        raise ValueError(f'not a Kubernetes quantity: "{text[:40]}"')
    suffix = found["suffix"]
    factor = Fraction(10) ** int(suffix[1:]) if suffix[1:].lstrip("+-").isdigit() else _FACTORS[suffix]
    return Fraction(found["digits"].rstrip(".")) * factor


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
            share = sum((_asked(container, kind, name) for container in containers), Fraction(0)) * percent / 100
            if share > parse_quantity(quantities[name]):
                quantities[name] = _rounded_up(share, name)
    limits = raised.get("limits", {})
    for name, request in raised.get("requests", {}).items():
        if name in limits and parse_quantity(request) > parse_quantity(limits[name]):
            limits[name] = request
    return raised


def _asked(container: Mapping[str, Any], kind: str, name: str) -> Fraction:
    resources = container["resources"]
    for source in (kind, "limits"):
        quantities = resources.get(source)
        value = quantities.get(name) if isinstance(quantities, Mapping) else None
        if value is not None:
            try:
                return parse_quantity(value)
            except ValueError as error:
                raise ValueError(f'container "{container["name"]}": resources.{source}.{name}: {error}') from None
    return Fraction(0)


def _rounded_up(value: Fraction, name: str) -> str:
    step, suffix = _STEPS[name]
    return f"{-(-value // step)}{suffix}"
