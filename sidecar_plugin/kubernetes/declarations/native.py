"""`native`: an init container with `restartPolicy: Always`.

The kubelet starts it, waits for its startup probe, then starts the application; it restarts it on its own, and ends it after
the application. Source: KEP-753, https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/. On by default from
Kubernetes 1.29; an API server that does not know the field drops it, and the pod waits in Init for ever.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from sidecar_plugin.kubernetes import platforms
from sidecar_plugin.kubernetes.cluster_version import NATIVE_SIDECARS
from sidecar_plugin.kubernetes.declarations.protocol import Declaration, Finding, SeenContainer, Target


class _Native:
    name = "native"
    list_name = "initContainers"
    position = "first"
    marks = ()
    variables: ClassVar[Mapping[str, str]] = {}
    listed_in = ()
    is_ordered = True
    exit_code_counts = False  # KEP-753: exit codes of sidecars are ignored when the pod ends

    def declare(self, container: dict[str, Any]) -> dict[str, Any]:
        head: dict[str, Any] = {key: container[key] for key in ("name", "image") if key in container}
        return {**head, "restartPolicy": "Always", **container}

    def recognises(self, container: SeenContainer) -> bool:
        return container.list_name == "initContainers" and container.restart_policy == "Always"

    def check(self, target: Target) -> Finding | None:
        platform = platforms.named(target.platform)
        instead = platform.before_native
        if target.version is None or target.version >= NATIVE_SIDECARS:
            if not platform.no_native:
                return None
            return Finding(f"{platform.no_native}; use declaration {instead} or auto", platform.native_fails)
        message = (
            f"the declaration native needs Kubernetes {NATIVE_SIDECARS} or later, the cluster is {target.version}: its API "
            f"server would drop restartPolicy and the pod would wait in Init for ever; use declaration {instead} or auto"
        )
        return Finding(message, is_error=True)


DECLARATION: Declaration = _Native()
