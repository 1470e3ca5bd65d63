"""Images from a registry of one's own: a mirror that holds every image under the path that it has in its own registry."""

from typing import Any

from sidecar_plugin.agents.parts import Parts

Data = dict[str, Any]


def in_registry(image: str, registry: str) -> str:
    """Return the image's name in `registry`, a host with an optional path: `fluent/fluent-bit:5.1.1` and
    `docker.io/fluent/fluent-bit:5.1.1` become `REGISTRY/fluent/fluent-bit:5.1.1`. One that is in it already stays as it is.

    The first step of a name is a registry if it has a dot or a colon or is `localhost`
    (https://pkg.go.dev/github.com/distribution/reference#ParseNormalizedNamed).
    """
    if not registry or image.startswith(f"{registry}/"):
        return image
    first, slash, rest = image.partition("/")
    is_registry = bool(slash) and ("." in first or ":" in first or first == "localhost")
    return f"{registry}/{rest if is_registry else image}"


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
