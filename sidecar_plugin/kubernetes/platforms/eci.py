"""`eci`: Alibaba Cloud Elastic Container Instance, as virtual nodes of ACK and of clusters of your own.

Its documentation declares sidecars by environment variables, whatever the version, and does not speak of native ones.
"""

from sidecar_plugin.kubernetes.platforms.protocol import SELF_MANAGED, Platform, Rule, lists_any_of, sets

_LIMITS = "https://www.alibabacloud.com/help/en/eci/product-overview/limits"
_SELF_MANAGED = "https://www.alibabacloud.com/help/en/eci/user-guide/overview-3"
_SYSTEM_PORTS = frozenset((111, 10250, 10255))

PLATFORM = Platform(
    name="eci",
    title="Alibaba Cloud Elastic Container Instance",
    source="https://www.alibabacloud.com/help/en/eci/user-guide/declaring-container-types",
    from_native="eci",
    before_native="eci",
    runs_daemonsets=False,
    pod_labels=(("alibabacloud.com/eci", "true"),),
    node_selectors=(("alibabacloud.com/virtual-node", "true"),),
    vendors=("aliyun", *SELF_MANAGED),
    no_native="no public page says that Elastic Container Instance runs native sidecars; its own declaration is eci",
    rules=(
        Rule("volume", sets("hostPath"), "is a hostPath, which ECI does not support; use an emptyDir", _LIMITS, is_error=True),
        Rule(
            "container",
            sets("securityContext", "privileged", to=True),
            "is privileged, which ECI does not support; add single capabilities",
            _SELF_MANAGED,
            is_error=True,
        ),
        Rule(
            "container",
            lists_any_of("ports", "*", "containerPort", values=_SYSTEM_PORTS),
            "listens on one of the ports 111, 10250 and 10255, which ECI itself uses; take another",
            _LIMITS,
            is_error=True,
        ),
    ),
)
