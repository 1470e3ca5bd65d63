"""An image's name in a registry of one's own."""

import pytest

from sidecar_plugin.kubernetes.image_names import in_registry


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("busybox", "r.example.com/mirror/busybox"),
        ("busybox:1.36", "r.example.com/mirror/busybox:1.36"),
        ("fluent/fluent-bit:5.1.1", "r.example.com/mirror/fluent/fluent-bit:5.1.1"),
        ("docker.io/library/busybox", "r.example.com/mirror/library/busybox"),
        ("ghcr.io/a/b/c@sha256:00", "r.example.com/mirror/a/b/c@sha256:00"),
        ("localhost/a:1", "r.example.com/mirror/a:1"),
        ("registry:5000/a:1", "r.example.com/mirror/a:1"),
        ("r.example.com/mirror/a:1", "r.example.com/mirror/a:1"),
        ("r.example.com/other/a:1", "r.example.com/mirror/other/a:1"),
    ],
)
def test_the_registry_takes_the_place_of_the_images_own(image: str, expected: str) -> None:
    assert in_registry(image, "r.example.com/mirror") == expected


def test_without_a_registry_the_name_stays() -> None:
    assert in_registry("docker.io/a/b:1", "") == "docker.io/a/b:1"
