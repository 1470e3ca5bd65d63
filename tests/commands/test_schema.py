"""The schema that editors use: printed, kept in schemas/, and named by every example."""

import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from tests.support.command import TEMPLATES, run

ROOT = Path(__file__).parents[2]
MODELINE = re.compile(r"# yaml-language-server: \$schema=(\S+)\n")
KEPT = {"SidecarInjection.json": (), "values.json": ("--of-values",)}
SETTINGS = re.compile("^sidecars:|^kind: SidecarInjection", re.MULTILINE)
EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*/*.yaml") if SETTINGS.search(path.read_text()))


def printed(*words: str) -> dict[str, Any]:
    done = run("schema", *words)
    assert done.status == 0, done.stderr
    loaded: dict[str, Any] = json.loads(done.stdout)
    return loaded


@pytest.mark.parametrize(("file", "words"), KEPT.items(), ids=KEPT)
def test_the_kept_schema_is_the_printed_one(file: str, words: tuple[str, ...]) -> None:
    """`UPDATE_CASES=1 pytest tests/commands/test_schema.py` writes it anew, after a change of the settings or of an
    agent's values."""
    done = run("schema", *words)
    if os.environ.get("UPDATE_CASES"):
        (ROOT / "schemas" / file).write_bytes(done.stdout)
    assert done.stdout.decode() == (ROOT / "schemas" / file).read_text()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT / "examples")))
def test_an_example_names_its_schema_and_keeps_to_it(path: Path) -> None:
    text = path.read_text()
    modeline = MODELINE.match(text)
    assert modeline, "the first line must be the modeline"
    schema = (path.parent / modeline[1]).resolve()
    assert schema.parent == ROOT / "schemas"
    validator = jsonschema_rs.validator_for(json.loads(schema.read_text()))
    for document in yaml.safe_load_all(text):
        assert [error.message for error in validator.iter_errors(document)] == []
    assert schema.name == ("values.json" if re.search("(?m)^sidecars:", text) else "SidecarInjection.json")


def test_every_kind_of_example_is_there() -> None:
    assert {path.parent.name for path in EXAMPLES} >= {
        "kubectl",
        "kustomize",
        "kustomize-helm",
        "plain",
        "untouched-chart",
        "web",
    }


def injection(agents: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "sidecar-plugin.dev/v1alpha1", "kind": "SidecarInjection", "spec": {"agents": agents}}


@pytest.mark.parametrize(
    "agents",
    [
        {"logging": {"enabled": True, "logLevel": "debug"}},
        {"logging": {"image": {"tag": "1"}}},
        {"logging": {"container": {"securityContext": {"runAsUser": 1}}, "position": "last"}},
        {"proxy": None},
        {"mine": {"enabled": True, "anything": 1, "template": "x"}},
    ],
)
def test_a_part_of_the_values_is_right(agents: dict[str, Any]) -> None:
    assert jsonschema_rs.is_valid(printed(), injection(agents))
    done = run("--report", "none", stdin=json.dumps(injection(agents)))
    assert done.status == 0, done.stderr


@pytest.mark.parametrize(
    "agents",
    [
        {"logging": {"logLevl": "debug"}},
        {"logging": {"logLevel": "loud"}},
        {"logging": {"image": {"tag": 1}}},
        {"logging": {"imagePullSecrets": [{"nam": "x"}]}},
        {"proxy": {"enabled": "yes"}},
    ],
)
def test_a_mistake_in_the_values_is_found_as_the_program_finds_it(agents: dict[str, Any]) -> None:
    assert not jsonschema_rs.is_valid(printed(), injection(agents))
    done = run("--report", "none", stdin=json.dumps(injection(agents)))
    assert done.status == 1


def test_values_have_their_meaning_and_default() -> None:
    level = printed()["$defs"]["agent-logging"]["properties"]["logLevel"]
    assert level["description"]
    assert level["default"]


def test_agents_of_a_folder_are_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "agents" / "mine"
    folder.mkdir(parents=True)
    (folder / "agent.yaml.j2").write_text("container: {name: mine, image: {{ values.image | tojson }}}")
    (folder / "values.yaml").write_text("image: mine:1\nport: 1\n")
    (folder / "values.schema.json").write_text(
        '{"additionalProperties": false, "required": ["image"], "properties": {"image": {"type": "string"}, '
        '"port": {"$ref": "#/$defs/port"}}, "$defs": {"port": {"type": "integer", "maximum": 9}}}'
    )
    schema = printed("--templates", str(tmp_path / "agents"), "--templates", TEMPLATES)
    assert schema["$defs"]["agent-mine"]["properties"]["image"]["default"] == "mine:1"
    assert "agent-agent" in schema["$defs"]
    assert jsonschema_rs.is_valid(schema, injection({"mine": {"port": 9}}))
    assert not jsonschema_rs.is_valid(schema, injection({"mine": {"port": 10}}))
    assert not jsonschema_rs.is_valid(schema, injection({"mine": {"prot": 9}}))


def test_a_schema_that_is_no_json_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "agents" / "mine"
    folder.mkdir(parents=True)
    (folder / "agent.yaml.j2").write_text("x")
    (folder / "values.schema.json").write_text("{")
    done = run("schema", "--templates", str(tmp_path / "agents"))
    assert (done.status, done.stdout) == (1, b"")
    assert "mine/values.schema.json:1:1: not JSON" in done.stderr
