"""Where an agent's container goes: first, last, or beside another one, the application's or another agent's."""

import pytest

from sidecar_plugin.injection.positions import ListAdditions, Position
from tests.support.command import load, run

OWN = ["web", "db"]
PLACES: list[tuple[list[tuple[str, Position]], list[str]]] = [
    ([("a", "first"), ("b", "first")], ["a", "b", "web", "db"]),
    ([("a", "last"), ("b", "last")], ["web", "db", "a", "b"]),
    ([("a", {"before": "web"})], ["a", "web", "db"]),
    ([("a", {"after": "web"})], ["web", "a", "db"]),
    ([("a", {"before": "db"})], ["web", "a", "db"]),
    ([("a", {"after": "db"})], ["web", "db", "a"]),
    ([("a", "first"), ("b", {"before": "a"})], ["b", "a", "web", "db"]),
    ([("a", "first"), ("b", {"after": "a"})], ["a", "b", "web", "db"]),
    ([("a", "last"), ("b", {"before": "a"})], ["web", "db", "b", "a"]),
    ([("a", {"after": "web"}), ("b", {"after": "a"})], ["web", "a", "b", "db"]),
    ([("a", {"after": "web"}), ("b", {"before": "a"})], ["web", "b", "a", "db"]),
]


@pytest.mark.parametrize(("added", "expected"), PLACES)
def test_a_container_stands_where_its_position_says(added: list[tuple[str, Position]], expected: list[str]) -> None:
    additions = ListAdditions([], {}, [])
    for name, position in added:
        additions.place({"name": name}, position, OWN)
    order = [item["name"] for item in additions.first]
    for index, name in enumerate(OWN):
        order += [name, *(item["name"] for item in additions.behind.get(index, []))]
    assert [*order, *(item["name"] for item in additions.last)] == expected


@pytest.mark.parametrize(("version", "init"), [("1.28", ["prepare", "migrate"]), ("1.30", ["migrate", "prepare", "own"])])
def test_an_agents_init_container_goes_before_it_or_first_where_it_is_in_another_list(version: str, init: list[str]) -> None:
    pod = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  initContainers:\n  - {name: migrate, image: x}\n"
        "  containers:\n  - {name: web, image: x}\n  - {name: db, image: x}\n"
    )
    beside = "web" if version == "1.28" else "migrate"
    template = "container: {name: own\\, image: x}\ninitContainers: [{name: prepare\\, image: x}]"
    settings = f"agents.own.enabled=true,agents.own.position.after={beside},agents.own.template={template}"
    done = run("--platform=acs", f"--cluster-version={version}", "--report=none", "--set", settings, stdin=pod)
    assert done.status == 0, done.stderr
    [spec] = [document["spec"] for document in load(done.stdout.decode())]
    assert [one["name"] for one in spec["initContainers"]] == init
    assert [one["name"] for one in spec["containers"]] == (["web", "own", "db"] if version == "1.28" else ["web", "db"])
