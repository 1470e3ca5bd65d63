"""Every kind of the table: agents in each of its pod templates, nothing but insertions, and exact removal.

To add a kind, add a row to `workload_kinds.TABLE` and a folder kinds/GROUP_KIND with an example, input.yaml; run
`UPDATE_CASES=1 pytest tests/kubernetes/test_workload_kinds.py` and read expected.yaml. The example of a refused kind has no
expected.yaml: it stays as it is, and the report says why.
"""

import os
from pathlib import Path

import pytest
import yaml

from sidecar_plugin.kubernetes.workload_kinds import TABLE, WorkloadKind, merged, steps_of
from tests.support.command import run

FOLDER = Path(__file__).parent / "kinds"
KINDS = dict(merged(TABLE))
SETTINGS = ("--cluster-version", "1.30", "--set", "agents.agent.enabled=true", "--templates")
AGENT = "container: {name: added-agent, image: example.com/agent:1}\n"


def folder_of(group: str, kind: str) -> Path:
    return FOLDER / f"{group or 'core'}_{kind}"


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("agents")
    (folder / "agent").mkdir()
    (folder / "agent" / "agent.yaml.j2").write_text(AGENT)
    return str(folder)


def count_of_templates(rows: tuple[WorkloadKind, ...], document: object) -> int:
    """Return how many pod templates the paths of the rows lead to, by a walk of its own."""

    def count(node: object, steps: tuple[str, ...]) -> int:
        if not steps:
            return 1 if isinstance(node, dict) and (node.get("spec") or {}).get("containers") else 0
        if steps[0] == "[*]":
            return sum(count(item, steps[1:]) for item in node) if isinstance(node, list) else 0
        if steps[0] == "*":
            return sum(count(item, steps[1:]) for item in node.values()) if isinstance(node, dict) else 0
        return count(node[steps[0]], steps[1:]) if isinstance(node, dict) and steps[0] in node else 0

    return sum(count(document, steps_of(path)) for row in rows for path in row.paths)


def test_there_is_an_example_of_every_kind() -> None:
    assert {folder_of(*key).name for key in KINDS} == {path.name for path in FOLDER.iterdir()}


@pytest.mark.parametrize(("key", "rows"), KINDS.items(), ids=lambda value: "/".join(value) if isinstance(value[0], str) else "")
def test_a_kind_of_the_table(key: tuple[str, str], rows: tuple[WorkloadKind, ...], templates: str) -> None:
    text = (folder_of(*key) / "input.yaml").read_bytes()
    document = yaml.safe_load(text)
    assert (document["apiVersion"].rpartition("/")[0], document["kind"]) == key
    done = run(*SETTINGS, templates, stdin=text)
    assert done.status == 0, done.stderr
    if any(row.refused for row in rows):
        assert done.stdout == text
        assert rows[0].refused in done.stderr
        return
    count = count_of_templates(rows, document)
    assert count >= len({path for row in rows for path in row.paths}), "the example leaves out a path"
    assert done.stdout.count(b"name: added-agent") == count
    assert "warning" not in done.stderr
    expected = folder_of(*key) / "expected.yaml"
    if os.environ.get("UPDATE_CASES"):
        expected.write_bytes(done.stdout)
    assert done.stdout == expected.read_bytes()
    rest = iter(done.stdout)
    assert all(byte in rest for byte in text), "something of the input is gone"
    again = run(*SETTINGS, templates, stdin=done.stdout)
    assert (again.status, again.stdout) == (0, done.stdout)
    assert run("uninject", "-", stdin=done.stdout).stdout == text


@pytest.mark.parametrize(("key", "rows"), KINDS.items(), ids=lambda value: "/".join(value) if isinstance(value[0], str) else "")
def test_a_regular_sidecar_is_refused_where_pods_run_to_completion(
    key: tuple[str, str], rows: tuple[WorkloadKind, ...], templates: str
) -> None:
    text = (folder_of(*key) / "input.yaml").read_bytes().replace(b"restartPolicy", b"x-restartPolicy")
    done = run(*SETTINGS, templates, "--cluster-version", "1.28", "--platform", "kubernetes", stdin=text)
    assert (done.status == 1) == any(row.completes for row in rows), done.stderr


def test_a_row_names_its_source_and_has_paths_or_a_remedy() -> None:
    for row in TABLE:
        assert row.source.startswith("https://"), row
        assert bool(row.paths) != bool(row.refused), row
        assert not row.refused or "exclude it" in row.refused, row
