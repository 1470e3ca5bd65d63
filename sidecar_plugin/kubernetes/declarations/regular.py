"""`regular`: a plain container beside the application's.

Nothing orders its start and nothing ends it when the application has ended, so a pod that runs to completion never completes
(the reason for KEP-753, "Motivation": https://github.com/kubernetes/enhancements/tree/master/keps/sig-node/753-sidecar-containers).
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from sidecar_plugin.kubernetes import platforms
from sidecar_plugin.kubernetes.cluster_version import NATIVE_SIDECARS
from sidecar_plugin.kubernetes.declarations.protocol import Declaration, Finding, SeenContainer, Target


class _Regular:
    name = "regular"
    list_name = "containers"
    position = "last"
    marks = ()
    variables: ClassVar[Mapping[str, str]] = {}
    listed_in = ()
    is_ordered = False
    exit_code_counts = True

    def declare(self, container: dict[str, Any]) -> dict[str, Any]:
        return dict(container)

    def recognises(self, container: SeenContainer) -> bool:
        return False  # nothing tells it from a container of the application

    def check(self, target: Target) -> Finding | None:
        if not target.runs_to_completion:
            return None
        never = f"with a regular sidecar this {target.workload} never completes"
        message = f"{never}: the agent goes on when the application has ended"
        if target.asked:
            remedy = f"use native on Kubernetes {NATIVE_SIDECARS} or later"
            return Finding(f"{message}; {remedy}", is_error=False)
        platform = platforms.named(target.platform)
        if platform.from_native == self.name:  # no version of Kubernetes would help
            leave = 'leave the workload out (annotation sidecar-plugin.dev/inject: "false" or exclude), or let it run on nodes'
            return Finding(f"{message}, and {platform.no_native}; {leave}", is_error=True)
        remedy = (
            f"upgrade the cluster to {NATIVE_SIDECARS} (native sidecars), set platform: acs if it is one, leave the workload "
            'out (annotation sidecar-plugin.dev/inject: "false" or exclude), or ask for declaration: regular by name'
        )
        return Finding(f"{message}; {remedy}", is_error=True)


DECLARATION: Declaration = _Regular()
