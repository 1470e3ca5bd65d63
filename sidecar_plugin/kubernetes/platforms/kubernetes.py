"""`kubernetes`: any cluster that is none of the others; nothing is known but what Kubernetes itself says.

Source of the versions: https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/.
"""

from sidecar_plugin.kubernetes.platforms.protocol import Platform

PLATFORM = Platform(
    name="kubernetes",
    title="any other Kubernetes cluster",
    source="https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/",
    from_native="native",
    before_native="regular",
    runs_daemonsets=True,
    vendors=None,
)
