"""Quantities of Kubernetes, and an agent's resources as a share of the application's."""

from fractions import Fraction
from typing import Any

import pytest

from sidecar_plugin.kubernetes.quantities import parse_quantity, requested, with_share_of

OWN = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "250m", "memory": "192Mi"}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("1", 1),
        ("+1.5", Fraction(3, 2)),
        (".5", Fraction(1, 2)),
        ("2.", 2),
        ("100m", Fraction(1, 10)),
        ("100u", Fraction(1, 10_000)),
        ("5n", Fraction(5, 10**9)),
        ("1k", 1000),
        ("1M", 10**6),
        ("1G", 10**9),
        ("1T", 10**12),
        ("1P", 10**15),
        ("1E", 10**18),
        ("1Ki", 1024),
        ("1.5Gi", 3 * 2**29),
        ("1Ei", 2**60),
        ("1e3", 1000),
        ("1E3", 1000),
        ("1e-3", Fraction(1, 1000)),
        (2, 2),
        (0.25, Fraction(1, 4)),
        ("0.0000000001", Fraction(1, 10**9)),
        ("1e-99", Fraction(1, 10**9)),
    ],
)
def test_a_quantity_stands_for_a_number(text: str | float, value: Fraction) -> None:
    assert parse_quantity(text) == value * 10**9


@pytest.mark.parametrize(
    "text", ["", ".", "m", "1 Gi", "1gi", "1ki", "1mi", "-1", "0x1", "1e", "1e999999999", "9" * 99, "lots", True, "1\n"]
)
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a Kubernetes quantity"):
        parse_quantity(text)


def container(**resources: dict[str, Any]) -> dict[str, Any]:
    return {"name": "web", "resources": resources}


@pytest.mark.parametrize(
    ("containers", "percent", "requests", "limits"),
    [
        # Nothing said: the agent's own.
        ([container()], 10, {"cpu": "50m", "memory": "64Mi"}, {"cpu": "250m", "memory": "192Mi"}),
        # Raised, and rounded up to whole millicores and MiB.
        (
            [container(requests={"cpu": "1.501", "memory": "1001Mi"}, limits={"cpu": 4, "memory": "4Gi"})],
            10,
            {"cpu": "151m", "memory": "101Mi"},
            {"cpu": "400m", "memory": "410Mi"},
        ),
        # Never lowered.
        (
            [container(requests={"cpu": "100m", "memory": "64Mi"}, limits={"cpu": "200m", "memory": "128Mi"})],
            10,
            {"cpu": "50m", "memory": "64Mi"},
            {"cpu": "250m", "memory": "192Mi"},
        ),
        # All containers together.
        (
            [container(requests={"cpu": 1}), container(requests={"cpu": 2}), container()],
            5,
            {"cpu": "150m", "memory": "64Mi"},
            {"cpu": "250m", "memory": "192Mi"},
        ),
        # A limit without a request is the request; a null is nothing.
        (
            [container(requests={"cpu": None}, limits={"cpu": "2000m"})],
            10,
            {"cpu": "200m", "memory": "64Mi"},
            {"cpu": "250m", "memory": "192Mi"},
        ),
        # A limit is never below the request.
        ([container(requests={"cpu": 4})], 10, {"cpu": "400m", "memory": "64Mi"}, {"cpu": "400m", "memory": "192Mi"}),
        # What the agent does not use is the application's alone.
        (
            [container(limits={"nvidia.com/gpu": 4, "ephemeral-storage": "100Gi"})],
            50,
            {"cpu": "50m", "memory": "64Mi"},
            {"cpu": "250m", "memory": "192Mi"},
        ),
    ],
)
def test_resources_are_raised_to_a_share_of_the_applications(
    containers: list[dict[str, Any]], percent: int, requests: dict[str, str], limits: dict[str, str]
) -> None:
    assert with_share_of(OWN, containers, percent) == {"requests": requests, "limits": limits}


def test_what_resources_do_not_name_is_not_added() -> None:
    own = {"limits": {"memory": "64Mi"}}
    assert with_share_of(own, [container(requests={"cpu": 4}, limits={"cpu": 8, "memory": "4Gi"})], 10) == {
        "limits": {"memory": "410Mi"}
    }
    assert with_share_of({}, [container(requests={"cpu": 4})], 10) == {}


def test_a_quantity_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match=r'^container "web": resources\.limits\.memory: not a Kubernetes quantity: "4 GB"$'):
        with_share_of(OWN, [container(limits={"memory": "4 GB"})], 10)


def test_a_container_that_requests_nothing_adds_nothing() -> None:
    containers = [{"resources": {"requests": {"cpu": "1"}}}, {"resources": {"limits": {"cpu": "500m"}}}, {"resources": {}}, {}]
    assert requested(containers, "cpu") == parse_quantity("1500m")
    assert requested(containers, "memory") == 0
