"""Names of images: the repository that one is of, and its name in another registry.

Source: https://pkg.go.dev/github.com/distribution/reference, "Grammar".
"""

import re

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
    first, slash, rest = image.partition("/")
    is_registry = bool(slash) and ("." in first or ":" in first or first == "localhost")
    return f"{registry}/{rest if is_registry else image}"
