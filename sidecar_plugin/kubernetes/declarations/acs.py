"""`acs`: a regular container with the environment variable `__IS_SIDECAR__` = "true".

Alibaba Cloud Container Compute Service starts such a container before the others and ends it when they have ended. Source:
https://www.alibabacloud.com/help/en/cs/user-guide/declaring-container-types, which also names the limit on 1.29 and later.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from sidecar_plugin.kubernetes import platforms
from sidecar_plugin.kubernetes.cluster_version import NATIVE_SIDECARS
from sidecar_plugin.kubernetes.declarations.protocol import Declaration, Finding, SeenContainer, Target, foreign, with_variables

VARIABLE = "__IS_SIDECAR__"


class _Acs:
    name = "acs"
    list_name = "containers"
    position = "last"
    marks = (VARIABLE,)
    variables: ClassVar[Mapping[str, str]] = {VARIABLE: "true"}
    listed_in = ()
    is_ordered = True
    exit_code_counts = True

    def declare(self, container: dict[str, Any]) -> dict[str, Any]:
        return with_variables(container, self.variables)

    def recognises(self, container: SeenContainer) -> bool:
        return container.list_name == "containers" and container.variables.get(VARIABLE) == "true"

    def check(self, target: Target) -> Finding | None:
        if target.platform != "acs":
            return foreign("acs", "Alibaba Cloud's", target.platform, platforms.named(target.platform).from_native)
        if target.version is None or target.version < NATIVE_SIDECARS:
            return None
        message = (
            f"the declaration acs on Kubernetes {target.version} has a known limit: after a failure retry, containerStatus and "
            "pod status are not updated to Running; use native"
        )
        return Finding(message, is_error=False)


DECLARATION: Declaration = _Acs()
