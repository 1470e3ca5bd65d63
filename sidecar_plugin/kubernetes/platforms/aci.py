"""`aci`: Azure Container Instances, as the virtual nodes add-on of AKS.

The add-on supports no init containers, so there are no native sidecars on any version:
https://learn.microsoft.com/azure/aks/virtual-nodes ("Limitations"). Virtual nodes v2 (preview) do support init containers, but
nothing says whether native sidecars: https://learn.microsoft.com/azure/aks/virtual-nodes-v2.
"""

from sidecar_plugin.kubernetes.platforms.protocol import Platform, Rule, sets

_LIMITS = "https://learn.microsoft.com/azure/aks/virtual-nodes"

PLATFORM = Platform(
    name="aci",
    title="Azure Container Instances (virtual nodes of AKS)",
    source=_LIMITS,
    from_native="regular",
    before_native="regular",
    runs_daemonsets=False,
    tolerations=("azure.com/aci",),
    no_native="the virtual nodes of AKS support no init containers, and a native sidecar is one",
    native_fails=True,
    rules=(
        Rule("initContainer", sets("name"), "is an init container, which virtual nodes do not support", _LIMITS, is_error=True),
        Rule("container", sets("lifecycle"), "has lifecycle hooks; virtual nodes do not support them", _LIMITS, is_error=False),
        Rule(
            "volume",
            sets("persistentVolumeClaim"),
            "is a persistentVolumeClaim, which virtual nodes do not support; use an inline Azure Files volume",
            _LIMITS,
            is_error=True,
        ),
    ),
)
