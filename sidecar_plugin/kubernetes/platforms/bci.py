"""`bci`: Baidu AI Cloud Baidu Container Instance, as virtual nodes of CCE and of clusters of your own.

Its documentation names sidecars in annotations of the pod, whatever the version, and does not speak of native ones.
"""

from sidecar_plugin.kubernetes.platforms.protocol import SELF_MANAGED, Platform, Rule, sets

_LIMITS = "https://cloud.baidu.com/doc/BCI/s/Qlbda5rjx"
_VOLUMES = "https://cloud.baidu.com/doc/CCE/s/Jk9cxgekd"

PLATFORM = Platform(
    name="bci",
    title="Baidu Container Instance",
    source="https://cloud.baidu.com/doc/BCI/s/Mm7lmxteo",
    from_native="bci",
    before_native="bci",
    runs_daemonsets=False,
    vendors=SELF_MANAGED,
    no_native="no public page says that Baidu Container Instance runs native sidecars; its own declaration is bci",
    rules=(
        Rule("volume", sets("hostPath"), "is a hostPath, which BCI does not support; use an emptyDir", _LIMITS, is_error=True),
        Rule(
            "container",
            sets("securityContext", "privileged", to=True),
            "is privileged, which BCI does not support",
            _LIMITS,
            is_error=True,
        ),
        Rule(
            "container",
            lambda container: any(sets("volumeMounts", "*", key)(container) for key in ("subPath", "subPathExpr")),
            "mounts a volume by subPath or subPathExpr, which BCI does not support for now",
            _VOLUMES,
            is_error=False,
        ),
        Rule(
            "volume",
            sets("emptyDir", "sizeLimit"),
            "sets emptyDir.sizeLimit, which BCI does not support for now",
            _VOLUMES,
            is_error=False,
        ),
    ),
)
