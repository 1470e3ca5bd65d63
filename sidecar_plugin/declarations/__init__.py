"""The ways to declare a sidecar, one file each, and how one is chosen.

A declaration says into which list the agent's container goes, what makes it a sidecar there, and when it cannot be used.
A new one is a module with a `DECLARATION` and a line in `DECLARATIONS`.
"""

from typing import Any

from sidecar_plugin.cluster_version import NATIVE_SIDECARS, ClusterVersion
from sidecar_plugin.declarations import acs, native, regular
from sidecar_plugin.declarations.protocol import Declaration, Target
from sidecar_plugin.errors import DeclarationError, TemplateError

DECLARATIONS: dict[str, Declaration] = {
    declaration.name: declaration for declaration in (native.DECLARATION, acs.DECLARATION, regular.DECLARATION)
}
BEFORE_NATIVE = {"acs": "acs", "kubernetes": "regular"}
"""What `auto` takes, per platform, on clusters that do not know native sidecars."""


def choose(asked: str, platform: str, version: ClusterVersion) -> Declaration:
    """Return the declaration to use: the one asked for by name, or under `auto` the platform's and version's."""
    if asked != "auto":
        return DECLARATIONS[asked]
    return DECLARATIONS["native" if version >= NATIVE_SIDECARS else BEFORE_NATIVE[platform]]


def declare(declaration: Declaration, container: dict[str, Any]) -> dict[str, Any]:
    """Return the container with what makes it a sidecar. Raises TemplateError if it declares itself, one way or another."""
    if "restartPolicy" in container:
        raise TemplateError("the container sets restartPolicy itself; that is the declaration's part, leave it out")
    if any(isinstance(entry, dict) and entry.get("name") == acs.VARIABLE for entry in container.get("env") or ()):
        raise TemplateError(f"the container sets {acs.VARIABLE} itself; that is the declaration's part, leave it out")
    return declaration.declare(container)


def check(declaration: Declaration, target: Target) -> str | None:
    """Return a warning about using the declaration for the target, None if there is nothing to say.

    Raises DeclarationError when the pod would not work.
    """
    finding = declaration.check(target)
    if finding is None or not finding.is_error:
        return finding.message if finding else None
    raise DeclarationError(finding.message)
