"""Images from a registry of one's own: a mirror that holds every image under the path that it has in its own registry."""

from typing import Any

from sidecar_plugin.agents.parts import Parts
from sidecar_plugin.kubernetes.image_names import in_registry

Data = dict[str, Any]


def container_in_registry(container: Data, registry: str) -> Data:
    """Return the container with its image in `registry`."""
    return {**container, "image": in_registry(container["image"], registry)} if registry else container


def parts_in_registry(parts: Parts, registry: str, secrets: list[Data]) -> Parts:
    """Return what an agent adds with the images in `registry`, and with further Secrets to pull them with."""
    return parts._replace(
        container=container_in_registry(parts.container, registry),
        init_containers=[container_in_registry(one, registry) for one in parts.init_containers],
        image_pull_secrets=[*parts.image_pull_secrets, *secrets],
    )
