"""`eci`: a regular container that Alibaba Cloud Elastic Container Instance is told about by environment variables.

`ECI_CONTAINER_TYPE` = "sidecar": it is ended when the application's containers have ended. `ECI_CONTAINER_IGNORE_EXIT_CODE`:
its exit code, which is then not 0, does not make the pod fail. Source:
https://www.alibabacloud.com/help/en/eci/user-guide/declaring-container-types.

`ECI_CONTAINER_LAUNCH_PRIORITY` and `ECI_CONTAINER_EXIT_PRIORITY`, from -1000 to 1000, the larger one first: it is started
before the application's containers (which have 0) and, when the pod is deleted, ended after them. Source:
https://www.alibabacloud.com/help/en/eci/user-guide/set-container-start-and-exit-order.

`__ECI_RESOURCE_IGNORE__` = "TRUE": it shares the application's resources and does not make the instance larger. Source:
https://www.alibabacloud.com/help/en/eci/user-guide/ignore-specific-containers-during-resource-adjustment.

The last three can be set otherwise, by the settings' `container.env`; the first two make the sidecar.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from sidecar_plugin.kubernetes import platforms
from sidecar_plugin.kubernetes.declarations.protocol import Declaration, Finding, SeenContainer, Target, foreign, with_variables

MARKS = {"ECI_CONTAINER_TYPE": "sidecar", "ECI_CONTAINER_IGNORE_EXIT_CODE": "true"}
DEFAULTS = {
    "ECI_CONTAINER_LAUNCH_PRIORITY": "1000",
    "ECI_CONTAINER_EXIT_PRIORITY": "-1000",
    "__ECI_RESOURCE_IGNORE__": "TRUE",
}


class _Eci:
    name = "eci"
    list_name = "containers"
    position = "last"
    marks = tuple(MARKS)
    variables: ClassVar[Mapping[str, str]] = {**MARKS, **DEFAULTS}
    listed_in = ()
    is_ordered = True
    exit_code_counts = True

    def declare(self, container: dict[str, Any]) -> dict[str, Any]:
        return with_variables(container, self.variables)

    def recognises(self, container: SeenContainer) -> bool:
        kind = "ECI_CONTAINER_TYPE"
        return container.list_name == "containers" and container.variables.get(kind) == MARKS[kind]

    def check(self, target: Target) -> Finding | None:
        if target.platform == "eci":
            return None
        return foreign("eci", "Elastic Container Instance's", target.platform, platforms.named(target.platform).from_native)


DECLARATION: Declaration = _Eci()
