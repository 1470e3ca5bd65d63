"""Names of images: the repository that one is of, and its name in another registry.

Source: https://pkg.go.dev/github.com/distribution/reference, "Grammar".
"""

import re
from collections.abc import Mapping

_TAG = r"(?:@[^/]*|:[^/:@]*(?:@[^/]*)?)\Z"


def repository(image: str) -> str:
    """Return an image's name without tag and digest."""
    return re.sub(_TAG, "", image)


def in_registry(image: str, registry: str) -> str:
    """Return the image's name in `registry`, a host with an optional path: `fluent/fluent-bit:5.1.1` and
    `docker.io/fluent/fluent-bit:5.1.1` become `REGISTRY/fluent/fluent-bit:5.1.1`. One that is in it already stays as it is.

    The first step of a name is a registry if it has a dot or a colon or is `localhost`
    (https://pkg.go.dev/github.com/distribution/reference#ParseNormalizedNamed).
    """
    if not registry or image.startswith(f"{registry}/"):
        return image
    first, rest = _split(image)
    return f"{registry}/{rest if first else image}"


def registry_and_path(image: str) -> tuple[str, str]:
    """Return the registry of an image, `docker.io` where its name says none, and its repository's path there."""
    first, rest = _split(repository(image))
    if first not in ("", "docker.io", "index.docker.io"):
        return first, rest
    return "docker.io", rest if "/" in rest else f"library/{rest}"


def tag(image: str) -> str:
    """Return an image's tag, `latest` where its name says none."""
    return image.removeprefix(repository(image)).partition("@")[0].removeprefix(":") or "latest"


def with_digest(image: str, digests: Mapping[str, str]) -> str:
    """Return the image's name with the digest that is known for it; one that has a digest stays as it is."""
    return f"{image}@{digests[image]}" if image in digests else image


def _split(image: str) -> tuple[str, str]:
    """Return the registry that a name begins with, "" for none, and the rest."""
    first, slash, rest = image.partition("/")
    is_registry = bool(slash) and ("." in first or ":" in first or first == "localhost")
    return (first, rest) if is_registry else ("", image)
