"""`bci`: a regular container that Baidu Container Instance is told about by annotations of the pod and by variables.

`bci.virtual-kubelet.io/bci-ignore-exit-code-containers` lists the sidecars: they are ended when the application's containers
have ended, and their exit code does not make the pod fail. Source: https://cloud.baidu.com/doc/BCI/s/Mm7lmxteo.

`bci.virtual-kubelet.io/bci-resource-ignore-containers` lists containers that share the application's resources and do not make
the instance larger. Source: https://cloud.baidu.com/doc/BCI/s/mm6vx9bei.

`BCI_CONTAINER_LAUNCH_PRIORITY` and `BCI_CONTAINER_EXIT_PRIORITY`: the order of starting and ending, as on Alibaba Cloud's ECI;
the settings' `container.env` can set them otherwise. Source: https://cloud.baidu.com/doc/BCI/s/hmce71a42. Its table of values
could not be read here; 1 and -1 are on either side of the 0 that the page shows for the application.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from sidecar_plugin.kubernetes import platforms
from sidecar_plugin.kubernetes.declarations.protocol import Declaration, Finding, SeenContainer, Target, foreign, with_variables

DEFAULTS = {"BCI_CONTAINER_LAUNCH_PRIORITY": "1", "BCI_CONTAINER_EXIT_PRIORITY": "-1"}
_PREFIX = "bci.virtual-kubelet.io/bci-"


class _Bci:
    name = "bci"
    list_name = "containers"
    position = "last"
    marks = ()
    variables: ClassVar[Mapping[str, str]] = DEFAULTS
    listed_in = (f"{_PREFIX}ignore-exit-code-containers", f"{_PREFIX}resource-ignore-containers")
    is_ordered = True
    exit_code_counts = True

    def declare(self, container: dict[str, Any]) -> dict[str, Any]:
        return with_variables(container, self.variables)

    def recognises(self, container: SeenContainer) -> bool:
        listed = container.annotations.get(self.listed_in[0], "")
        return container.list_name == "containers" and container.name in [name.strip() for name in listed.split(",")]

    def check(self, target: Target) -> Finding | None:
        if target.platform == "bci":
            return None
        return foreign("bci", "Baidu Container Instance's", target.platform, platforms.named(target.platform).from_native)


DECLARATION: Declaration = _Bci()
