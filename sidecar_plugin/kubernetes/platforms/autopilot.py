"""`autopilot`: Google Kubernetes Engine in Autopilot mode.

Native sidecars as upstream, from 1.29. Cluster administrators can allow single privileged workloads, so what Autopilot refuses
by default is a warning here: https://cloud.google.com/kubernetes-engine/docs/concepts/about-autopilot-privileged-workloads.
"""

from typing import Any

from sidecar_plugin.kubernetes.platforms.protocol import Platform, Rule, lists_any_of, sets

_SECURITY = "https://cloud.google.com/kubernetes-engine/docs/concepts/autopilot-security"
_PRIVILEGED = "https://cloud.google.com/kubernetes-engine/docs/concepts/run-autopilot-open-source-workloads"
_RESOURCES = "https://cloud.google.com/kubernetes-engine/docs/concepts/autopilot-resource-requests"
_HOST_PATHS = "https://github.com/grafana/loki/issues/9100"
_READABLE = "/var/log"


def _is_closed_host_path(volume: dict[str, Any]) -> bool:
    path = (volume.get("hostPath") or {}).get("path")
    return path is not None and path != _READABLE and not str(path).startswith(f"{_READABLE}/")


def _asks_for_nothing(container: dict[str, Any]) -> bool:
    resources = container.get("resources") or {}
    asked = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
    return not {"cpu", "memory"} <= asked.keys()


PLATFORM = Platform(
    name="autopilot",
    title="Google Kubernetes Engine, Autopilot",
    source=_SECURITY,
    from_native="native",
    before_native="regular",
    runs_daemonsets=True,
    vendors=("gke",),
    rules=(
        Rule(
            "volume",
            _is_closed_host_path,
            "is a hostPath outside /var/log, which Autopilot refuses unless an allowlist of the cluster names the workload",
            _HOST_PATHS,
            is_error=False,
        ),
        Rule(
            "container",
            sets("securityContext", "privileged", to=True),
            "is privileged, which Autopilot refuses unless an allowlist of the cluster names the workload",
            _PRIVILEGED,
            is_error=False,
        ),
        Rule(
            "container",
            lists_any_of("securityContext", "capabilities", "add", "*", values=frozenset(("NET_RAW", "ALL"))),
            "adds the capability NET_RAW, which Autopilot refuses unless an allowlist of the cluster names the workload",
            _PRIVILEGED,
            is_error=False,
        ),
        Rule(
            "container",
            _asks_for_nothing,
            "does not request cpu and memory both; Autopilot then requests for it, by default 0.5 vCPU and 2 GiB",
            _RESOURCES,
            is_error=False,
        ),
    ),
)
