"""The ways to declare a sidecar, one file each, and how one is chosen.

A declaration says into which list the agent's container goes, what makes it a sidecar there, when it cannot be used, and how it
is recognised in a pod that somebody else wrote. `check`, `convert` and `verify` ask it.

To add one, write a module with a `DECLARATION` and add it to `DECLARATIONS`; `tools/derive` updates the schemas.
"""

from typing import Any

from sidecar_plugin.errors import DeclarationError, TemplateError
from sidecar_plugin.kubernetes import platforms
from sidecar_plugin.kubernetes.cluster_version import NATIVE_SIDECARS, ClusterVersion
from sidecar_plugin.kubernetes.declarations import acs, bci, eci, native, regular
from sidecar_plugin.kubernetes.declarations.protocol import Declaration, SeenContainer, Target

DECLARATIONS: dict[str, Declaration] = {
    declaration.name: declaration
    for declaration in (native.DECLARATION, acs.DECLARATION, regular.DECLARATION, eci.DECLARATION, bci.DECLARATION)
}
MARKS = {mark: declaration.variables[mark] for declaration in DECLARATIONS.values() for mark in declaration.marks}
"""The environment variables that make a container a sidecar somewhere, and the value that each must have."""
CONVERTIBLE = tuple(name for name, declaration in DECLARATIONS.items() if not declaration.listed_in)
"""The declarations that stand in the container alone: `convert` rewrites them into each other."""


def choose(asked: str, platform: str, version: ClusterVersion) -> Declaration:
    """Return the declaration to use: the one asked for by name, or under `auto` the platform's and version's."""
    if asked != "auto":
        return DECLARATIONS[asked]
    there = platforms.named(platform)
    return DECLARATIONS[there.from_native if version >= NATIVE_SIDECARS else there.before_native]


def recognised(container: SeenContainer) -> str:
    """Return the name of the declaration by which a container is a sidecar, "" if it is declared in no way."""
    return next((name for name, declaration in DECLARATIONS.items() if declaration.recognises(container)), "")


def declare(declaration: Declaration, container: dict[str, Any]) -> dict[str, Any]:
    """Return the container with what makes it a sidecar. Raises TemplateError if it declares itself, one way or another."""
    if "restartPolicy" in container:
        raise TemplateError("the container sets restartPolicy itself; that is the declaration's part, leave it out")
    for entry in container.get("env") or ():
        if isinstance(entry, dict) and entry.get("name") in MARKS:
            raise TemplateError(f"the container sets {entry['name']} itself; that is the declaration's part, leave it out")
    return declaration.declare(container)


def check(declaration: Declaration, target: Target) -> str | None:
    """Return a warning about using the declaration for the target, None if there is nothing to say.

    Raises DeclarationError when the pod would not work.
    """
    finding = declaration.check(target)
    if finding is None or not finding.is_error:
        return finding.message if finding else None
    raise DeclarationError(finding.message)
