"""`fargate`: Amazon EKS on AWS Fargate.

A pod gets one of a table of sizes, the smallest that holds what its containers request and 256 MB more. Fargate runs the
kubelet, so native sidecars are as upstream, from 1.29. Source: https://docs.aws.amazon.com/eks/latest/userguide/fargate.html,
https://docs.aws.amazon.com/eks/latest/userguide/fargate-pod-configuration.html.
"""

from typing import Any

from sidecar_plugin.kubernetes.platforms.protocol import Platform, Rule, sets
from sidecar_plugin.kubernetes.quantities import GI, parse_quantity, requested

_LIMITS = "https://docs.aws.amazon.com/eks/latest/userguide/fargate.html"
_SIZES = "https://docs.aws.amazon.com/eks/latest/userguide/fargate-pod-configuration.html"
_HOST_VOLUMES = "https://signoz.io/docs/collection-agents/k8s/serverless/configure"
_OVERHEAD = GI // 4
SIZES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("0.25", ("0.5", "1", "2")),
    ("0.5", ("1", "2", "3", "4")),
    ("1", tuple(map(str, range(2, 9)))),
    ("2", tuple(map(str, range(4, 17)))),
    ("4", tuple(map(str, range(8, 31)))),
    ("8", tuple(map(str, range(16, 61, 4)))),
    ("16", tuple(map(str, range(32, 121, 8)))),
)
"""vCPU, and the GB of memory there are with it."""


def size(cpu: int, memory: int) -> tuple[str, str] | None:
    """Return the smallest size, vCPU and GB, for what a pod's containers request, in billionths of a core and of a byte.

    Return None if no size is large enough.
    """
    for cores, gigabytes in SIZES:
        for amount in gigabytes:
            if parse_quantity(cores) >= cpu and parse_quantity(f"{amount}Gi") >= memory + _OVERHEAD:
                return cores, amount
    return None


def size_note(containers: list[dict[str, Any]], agents: list[dict[str, Any]]) -> str:
    """Return what the agents do to a pod's size, "" if nothing: the text for the report's column NOTE.

    Native sidecars are counted as the other containers are, which is upstream's rule (KEP-753, "Resources calculation").
    """
    before = size(requested(containers, "cpu"), requested(containers, "memory"))
    after = size(requested([*containers, *agents], "cpu"), requested([*containers, *agents], "memory"))
    if before == after:
        return ""
    if after is None:
        return "no size of Fargate is enough for the pod with its agents"
    was = f" instead of {_words(before)}" if before else ""
    return f"Fargate size {_words(after)}{was}"


def _words(found: tuple[str, str]) -> str:
    return f"{found[0]} vCPU {found[1]} GB"


def _requests_less_than_it_may_use(container: dict[str, Any]) -> bool:
    resources = container.get("resources") or {}
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    return any(key in limits and key in requests and requests[key] != limits[key] for key in ("cpu", "memory"))


PLATFORM = Platform(
    name="fargate",
    title="Amazon EKS on AWS Fargate",
    source=_LIMITS,
    from_native="native",
    before_native="regular",
    runs_daemonsets=False,
    pod_labels=(("eks.amazonaws.com/fargate-profile", ""),),
    vendors=("eks",),
    rules=(
        Rule("volume", sets("hostPath"), "is a hostPath, which Fargate does not mount", _HOST_VOLUMES, is_error=False),
        Rule(
            "container",
            sets("securityContext", "privileged", to=True),
            "is privileged, which Fargate does not support",
            _LIMITS,
            is_error=True,
        ),
        Rule(
            "container",
            sets("ports", "*", "hostPort"),
            "has a hostPort, which a pod on Fargate cannot have; leave it out",
            _LIMITS,
            is_error=True,
        ),
        Rule(
            "container",
            _requests_less_than_it_may_use,
            "requests less than its limits; on Fargate requests and limits must be equal",
            _SIZES,
            is_error=False,
        ),
    ),
    size_note=size_note,
)
