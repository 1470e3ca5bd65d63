"""What `convert` writes is taken by a real API server, strictly checked, and says there what it is to say."""

import json
import shlex
from pathlib import Path

import pytest
import yaml

from tests.support.command import run

CASES = Path(__file__).parents[1] / "commands" / "convert" / "cases"
DONE = sorted(case for case in CASES.iterdir() if (case / "expected.yaml").exists())
NOT_TAKEN = {
    "a-value-that-is-no-string-is-left-with-a-warning": "a boolean is no value of a variable",
    "lists-and-custom-resources": "a Rollout is no kind of this server",
}
"""What the server refuses in the input too, so that nothing can be told from its answer."""
MARKS = {"acs": ("__IS_SIDECAR__", "true"), "eci": ("ECI_CONTAINER_TYPE", "sidecar")}
VARIABLES = ("__IS_SIDECAR__", "ECI_CONTAINER_", "__ECI_RESOURCE_IGNORE__")
"""How the names of variables begin that belong to a declaration."""


def completed(text: str) -> str:
    """Return the manifests with what a real one has and the small ones of the cases leave out: selectors and labels."""
    documents = [document for document in yaml.safe_load_all(text) if document]
    for document in documents:
        spec = document.get("spec") or {}
        if document["kind"] in ("Deployment", "StatefulSet"):
            labels = spec["template"].setdefault("metadata", {}).setdefault("labels", {}) or {}
            spec["template"]["metadata"]["labels"] = labels or {"app": "x"}
            spec.setdefault("selector", {"matchLabels": dict(spec["template"]["metadata"]["labels"])})
        if document["kind"] == "Job":
            spec["template"]["spec"].setdefault("restartPolicy", "Never")
    return yaml.safe_dump_all(documents)


@pytest.mark.parametrize("case", [case for case in DONE if case.name not in NOT_TAKEN], ids=lambda case: case.name)
def test_the_server_takes_it(case: Path, api_server) -> None:
    asked = (*("apply", "--dry-run=server", "--validate=strict", "-o", "json", "-f"), "-")
    before, after = (
        api_server.run(*asked, stdin=completed((case / file).read_text())) for file in ("input.yaml", "expected.yaml")
    )
    assert before.returncode == 0, before.stderr
    assert after.returncode == 0, after.stderr
    to = shlex.split((case / "options").read_text())[1]
    for old, new in zip(pods(json.loads(before.stdout)), pods(json.loads(after.stdout)), strict=True):
        assert {name for name, _ in sidecars(old)} <= {name for name, _ in sidecars(new)} or to == "regular"
        assert {declaration for _, declaration in sidecars(new)} <= {to}
        assert sorted(plain(old)) == sorted(plain(new))


def pods(answer: dict) -> list[dict]:
    items = answer["items"] if answer["kind"] == "List" else [answer]
    specs = [item["spec"] for item in items if "spec" in item]
    return [spec["template"]["spec"] if "template" in spec else spec for spec in specs]


def sidecars(spec: dict) -> list[tuple[str, str]]:
    native = [each["name"] for each in spec.get("initContainers", []) if each.get("restartPolicy") == "Always"]
    marked = [
        (each["name"], declaration)
        for each in spec["containers"]
        for declaration, (name, value) in MARKS.items()
        if {"name": name, "value": value} in each.get("env", [])
    ]
    return [*((name, "native") for name in native), *marked]


def plain(spec: dict) -> list[str]:
    """Return all containers as the server has them, less their declarations."""
    found = []
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
        env = [entry for entry in container.get("env", []) if not entry["name"].startswith(VARIABLES)]
        rest = {key: value for key, value in container.items() if key not in ("restartPolicy", "env")}
        found.append(json.dumps({**rest, "env": env}, sort_keys=True))
    return found


def test_there_and_back_is_the_same_object(api_server, tmp_path: Path) -> None:
    """A Deployment is installed, converted, applied, converted back and applied: the server's object is the first again."""
    space = api_server.namespace()
    text = completed((CASES / "native-to-acs-in-a-deployment" / "input.yaml").read_text())
    path = tmp_path / "web.yaml"
    path.write_text(text)
    api_server.kubectl("apply", "-n", space, "-f", path)
    first = api_server.get("-n", space, "deployment")["items"][0]["spec"]
    for to in ("acs", "native"):
        assert run("convert", "--to", to, "--in-place", str(path)).status == 0
        api_server.kubectl("apply", "-n", space, "-f", path)
        containers = api_server.get("-n", space, "deployment")["items"][0]["spec"]["template"]["spec"]
        assert ("initContainers" in containers) == (to == "native")
    assert path.read_text() == text
    assert api_server.get("-n", space, "deployment")["items"][0]["spec"] == first


@pytest.mark.parametrize(("gate", "kept"), [("false", None), ("true", "Always")])
def test_a_restart_policy_on_a_container_is_what_the_rule_says(new_api_server, gate: str, kept: str | None) -> None:
    """What 1.34 makes of that which the rule restart-policy-on-container calls an error: dropped without a word, or kept."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web"},
        "spec": {"containers": [{"name": "web", "image": "x"}, {"name": "agent", "image": "x", "restartPolicy": "Always"}]},
    }
    with new_api_server(f"--feature-gates=ContainerRestartRules={gate}") as server:
        taken = json.loads(server.kubectl("apply", "--dry-run=server", "-o", "json", "-f", "-", stdin=json.dumps(pod)))
    assert taken["spec"]["containers"][1].get("restartPolicy") == kept
    assert "initContainers" not in taken["spec"]


def test_a_boolean_mark_is_what_the_rule_says(api_server) -> None:
    """The server's word on what the rule is-sidecar-value calls an error."""
    text = (CASES / "a-value-that-is-no-string-is-left-with-a-warning" / "input.yaml").read_text()
    done = api_server.run("apply", "--dry-run=server", "--validate=strict", "-f", "-", stdin=text)
    assert done.returncode != 0
    assert "cannot unmarshal bool" in done.stderr or "expected string" in done.stderr, done.stderr
