"""Where agents' images come from: a registry of one's own, and digests that pin them to their bytes.

Such a registry is a mirror: it holds every image under the path that it has in its own registry.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sidecar_plugin.agents.parts import Parts
from sidecar_plugin.kubernetes.image_names import in_registry, with_digest

Data = dict[str, Any]


class ImageSource(NamedTuple):
    """What the settings say of all images: the registry, "" for each one's own, and digests by the image's own name."""

    registry: str
    digests: Mapping[str, str]

    @property
    def changes(self) -> bool:
        """Whether an image can get another name."""
        return bool(self.registry or self.digests)

    def image(self, image: str) -> str:
        """Return the name to pull an image by."""
        return in_registry(with_digest(image, self.digests), self.registry)

    def container(self, container: Data) -> Data:
        """Return the container with that name of its image."""
        return {**container, "image": self.image(container["image"])} if self.changes else container

    def parts(self, parts: Parts, secrets: list[Data]) -> Parts:
        """Return what an agent adds with these names of its images, and with further Secrets to pull them with."""
        return parts._replace(
            container=self.container(parts.container),
            init_containers=[self.container(one) for one in parts.init_containers],
            image_pull_secrets=[*parts.image_pull_secrets, *secrets],
        )
