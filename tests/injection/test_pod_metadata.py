"""Annotations that agents add: together with the pod's own they fit into what the API server takes."""

import pytest

from tests.support.command import run

LIMIT = 256 * 1024
OWN_KEY, ADDED_KEY = "own", "added"


def inject(own: str, added: str) -> tuple[int, bytes, str]:
    pod = (
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n"
        f"  annotations: {{{OWN_KEY}: '{own}'}}\nspec:\n  containers:\n  - {{name: web, image: x}}\n"
    )
    settings = (
        "apiVersion: sidecar-plugin.dev/v1alpha1\nkind: SidecarInjection\nmetadata: {name: s}\nspec:\n  agents:\n    a:\n"
        "      enabled: true\n      template: |\n        container: {name: a, image: x}\n"
        f"        podAnnotations: {{{ADDED_KEY}: '{added}'}}\n"
    )
    done = run("--cluster-version", "1.34", "--platform", "kubernetes", stdin=f"{pod}---\n{settings}")
    return done.status, done.stdout, done.stderr


@pytest.mark.parametrize("letter", ["x", "é"])
@pytest.mark.parametrize("fits", [True, False])
def test_annotations_of_the_pod_and_the_agents_have_one_limit_in_bytes(letter: str, fits: bool) -> None:
    own = letter * (LIMIT // 2 // len(letter.encode()) - 8)
    marker = '{"agents":{"a":{}}}'  # at least
    room = LIMIT - len(own.encode()) - len(OWN_KEY + ADDED_KEY) - (1024 if fits else len(marker))
    status, output, reported = inject(own, "y" * room)
    if not fits:
        assert (status, output) == (1, b"")
        assert "<stdin>:1:1" in reported
        assert str(LIMIT) in reported
        assert "podAnnotations" in reported
    else:
        assert status == 0, reported[:400]
