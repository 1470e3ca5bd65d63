"""What a declaration offers: how it is written, what it forbids, and how it is recognised."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from sidecar_plugin.kubernetes.cluster_version import ClusterVersion


class Target(NamedTuple):
    """The pod that a declaration is to be used for; `asked` says whether the declaration was asked for by name.

    Without a version nothing is said that depends on it.
    """

    version: ClusterVersion | None
    platform: str
    workload: str
    runs_to_completion: bool
    asked: bool


class SeenContainer(NamedTuple):
    """A container that somebody wrote, in a manifest or in the cluster: what declarations are recognised by.

    `variables` are the environment variables with literal string values; `annotations` are those of the pod.
    """

    list_name: str
    name: str
    restart_policy: str
    variables: Mapping[str, str]
    annotations: Mapping[str, str]


class Finding(NamedTuple):
    """Why a declaration cannot be used (an error), or what to know about using it (a warning)."""

    message: str
    is_error: bool


class Declaration(Protocol):
    """One way to declare a sidecar."""

    @property
    def name(self) -> str:
        """The word in the settings."""

    @property
    def list_name(self) -> str:
        """The pod spec's list that the container goes into: initContainers or containers."""

    @property
    def position(self) -> str:
        """Where in the list unless the agent says otherwise: first or last."""

    @property
    def marks(self) -> tuple[str, ...]:
        """The environment variables that are its own part: a container that sets one of them itself is refused."""

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment variables that `declare` gives the container, `marks` among them, by name; {} for none."""

    @property
    def listed_in(self) -> tuple[str, ...]:
        """The annotations of the pod that list the sidecars' names, with commas."""

    @property
    def is_ordered(self) -> bool:
        """Whether the sidecar starts before the application and ends after it."""

    @property
    def exit_code_counts(self) -> bool:
        """Whether an exit code other than 0 at the end of the pod means that something is wrong."""

    def declare(self, container: dict[str, Any]) -> dict[str, Any]:
        """Return the container, which declares nothing itself, with what makes it a sidecar."""

    def recognises(self, container: SeenContainer) -> bool:
        """Say whether a container that somebody wrote is declared in this way."""

    def check(self, target: Target) -> Finding | None:
        """Return what speaks against the declaration for this target."""


def with_variables(container: dict[str, Any], variables: Mapping[str, str]) -> dict[str, Any]:
    """Return the container with those environment variables in front of its own; one that it sets itself stays as it is."""
    own = container.get("env") or []
    names = {entry.get("name") for entry in own if isinstance(entry, dict)}
    added = [{"name": name, "value": value} for name, value in variables.items() if name not in names]
    return {**container, "env": [*added, *own]}


def foreign(declaration: str, owner: str, platform: str, instead: str) -> Finding:
    """Return the warning about a provider's own declaration on a platform that does not know it."""
    message = (
        f"the declaration {declaration} is {owner} own: on platform {platform} the agent is a plain container; "
        f"use {instead}, or set platform: {declaration}"
    )
    return Finding(message, is_error=False)
