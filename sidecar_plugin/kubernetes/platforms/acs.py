"""`acs`: Alibaba Cloud Container Compute Service.

Native sidecars from 1.29, `__IS_SIDECAR__` before: https://www.alibabacloud.com/help/en/cs/user-guide/declaring-container-types.
"""

from sidecar_plugin.kubernetes.platforms.protocol import Platform

PLATFORM = Platform(
    name="acs",
    title="Alibaba Cloud Container Compute Service",
    source="https://www.alibabacloud.com/help/en/cs/user-guide/declaring-container-types",
    from_native="native",
    before_native="acs",
    runs_daemonsets=False,
    pod_labels=(("alibabacloud.com/acs", "true"), ("alibabacloud.com/compute-class", "")),
    vendors=("aliyun",),
)
