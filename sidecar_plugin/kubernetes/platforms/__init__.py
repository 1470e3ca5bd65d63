"""The platforms that pods run on, as data, one file each: what `auto` picks there, and what is known not to work.

Every statement names its public source. A new platform is a module with a `PLATFORM` and a name in `NAMES`; `tools/derive`
updates the schemas. Only the platform in use is imported.
"""

from importlib import import_module

from sidecar_plugin.kubernetes.platforms.protocol import Platform

NAMES = ("acs", "kubernetes", "eci", "bci", "fargate", "autopilot", "aci")
DEFAULT = "acs"


def named(name: str) -> Platform:
    """Return the platform of a name among NAMES."""
    platform = import_module(f"sidecar_plugin.kubernetes.platforms.{name}").PLATFORM
    assert isinstance(platform, Platform)
    return platform


def of_vendor(vendor: str) -> list[str]:
    """Return the names of the platforms whose clusters may report a version that names the vendor, the general one last."""
    names = [name for name in NAMES if name != "kubernetes" and named(name).takes_vendor(vendor)]
    return [*names, "kubernetes"]
