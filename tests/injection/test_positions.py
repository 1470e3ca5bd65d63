"""Where an agent's container goes: first, last, or beside another one, the application's or another agent's."""

import pytest

from sidecar_plugin.injection.positions import ListAdditions, Position

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
