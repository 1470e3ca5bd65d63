"""`sidecar-plugin images`: what has to be in a mirror before the agents of some settings can start."""

import json
from pathlib import Path

import pytest

from tests.support.command import Run, run

MIRROR = ("--set", "imageRegistry=registry.example.com/mirror")
OWN = """\
apiVersion: sidecar-plugin.dev/v1alpha1
kind: SidecarInjection
metadata: {name: agents}
spec:
  agents:
    logging: {enabled: true, engine: otel-collector, image: {tag: "0.149.1"}}
    proxy: {enabled: false}
    ours:
      enabled: true
      container: {image: "ghcr.io/example/ours:2"}
      template: |
        initContainers: [{name: prepare, image: busybox}]
        container: {name: ours, image: "docker.io/example/ours:1"}
"""


@pytest.fixture
def settings(tmp_path: Path) -> str:
    """A file of settings with an agent of one's own and one that is switched off."""
    path = tmp_path / "sidecars.yaml"
    path.write_text(OWN)
    return str(path)


def test_each_enabled_agent_names_its_images_as_injection_writes_them(settings: str) -> None:
    done = run("images", "--config", settings, "--output", "json")
    assert [(image["agent"], image["container"], image["image"]) for image in json.loads(done.stdout)["images"]] == [
        ("logging", "logging", "otel/opentelemetry-collector-contrib:0.149.1"),
        ("ours", "prepare", "busybox"),
        ("ours", "ours", "ghcr.io/example/ours:2"),
    ]


def test_with_a_registry_each_image_has_the_name_that_it_is_copied_from(settings: str) -> None:
    done = run("images", "--config", settings, *MIRROR, "-o", "json")
    assert [(image["source"], image["image"]) for image in json.loads(done.stdout)["images"]][1:] == [
        ("busybox", "registry.example.com/mirror/busybox"),
        ("ghcr.io/example/ours:2", "registry.example.com/mirror/example/ours:2"),
    ]
    assert done.stdout == run("images", "--config", settings, *MIRROR, "-o", "json").stdout


def test_names_are_one_image_a_line_each_once() -> None:
    agents = "agents.logging.enabled=true,agents.logging.engine=otel-collector,agents.monitoring.enabled=true"
    assert run("images", "--set", agents, "-o", "names").stdout == b"otel/opentelemetry-collector-contrib:0.149.0\n"


def test_all_lists_agents_that_are_off_too(settings: str) -> None:
    lines = run("images", "--all", "--config", settings).stdout.decode().splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["logging", "proxy", "ours", "ours", "monitoring"]


def test_that_no_agent_is_enabled_is_said() -> None:
    done = run("images")
    assert (done.status, done.stdout) == (0, b"")
    assert "--all" in done.stderr


@pytest.mark.parametrize("registry", ["https://r.example.com", "r.example.com/", "r.example.com/a:1", "a b"])
def test_a_registry_that_is_none_is_refused_with_its_field(registry: str) -> None:
    done = run("images", "--all", "--set", f"imageRegistry={registry}")
    assert (done.status, done.stdout) == (1, b"")
    assert "imageRegistry" in done.stderr


POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - {name: app, image: x}\n"
DIGEST = f"sha256:{'a' * 64}"


def test_digests_stand_in_every_name_of_an_image(settings: str, tmp_path: Path) -> None:
    digests = tmp_path / "digests.yaml"
    digests.write_text(f"sidecars: {{imageDigests: {{busybox: '{DIGEST}', 'ghcr.io/example/ours:2': '{DIGEST}'}}}}\n")
    done = run("images", "--config", settings, "--values", str(digests), *MIRROR, "-o", "json")
    assert [(image["image"], image["digest"]) for image in json.loads(done.stdout)["images"]] == [
        ("registry.example.com/mirror/otel/opentelemetry-collector-contrib:0.149.1", ""),
        (f"registry.example.com/mirror/busybox@{DIGEST}", DIGEST),
        (f"registry.example.com/mirror/example/ours:2@{DIGEST}", DIGEST),
    ]


def inject(*words: str) -> Run:
    return run("--report=none", "--set=clusterVersion=1.30,platform=kubernetes,agents.logging.enabled=true", *words, stdin=POD)


def test_an_image_without_a_digest_is_a_warning_once_images_are_pinned(tmp_path: Path) -> None:
    path = tmp_path / "digests.yaml"
    path.write_text(f"sidecars: {{imageDigests: {{'fluent/fluent-bit:5.1.0': '{DIGEST}'}}}}\n")
    done = inject("--values", str(path))
    assert done.status == 0
    assert done.stderr == (
        "sidecar-plugin: warning: imageDigests has no digest for fluent/fluent-bit:5.1.1, an image of the agent logging; "
        "`sidecar-plugin images --pin` prints it\n"
    )


@pytest.mark.parametrize(
    ("digests", "said"),
    [
        ("{'fluent/fluent-bit:5.1.1': 'sha256:12'}", "must be a digest, sha256: and 64 digits of a-f and 0-9"),
        ("{'fluent/fluent-bit@sha256:12': null}", "must be an image without a digest, such as fluent/fluent-bit:5.1.1"),
        ("[x]", "imageDigests: must be a mapping"),
    ],
)
def test_a_digest_that_is_none_is_an_error_at_its_place(tmp_path: Path, digests: str, said: str) -> None:
    path = tmp_path / "digests.yaml"
    path.write_text(f"sidecars: {{imageDigests: {digests}}}\n")
    done = inject("--values", str(path))
    assert done.status == 1
    assert said in done.stderr
    assert f"{path}:1:" in done.stderr
