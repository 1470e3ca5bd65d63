"""Where in a list of the pod spec the containers of agents go."""

from typing import Any, NamedTuple, TypeAlias

Data: TypeAlias = dict[str, Any]
Position: TypeAlias = str | dict[str, str]
"""Where an agent's container goes in its list: `first`, `last`, or {"before": NAME} or {"after": NAME}."""


class ListAdditions(NamedTuple):
    """What is added to one list: in front of its items, behind the item of an index, and behind its last item."""

    first: list[Data]
    behind: dict[int, list[Data]]
    last: list[Data]

    def all(self) -> list[Data]:
        """Return the added items in the order of the list."""
        return [*self.first, *(item for index in sorted(self.behind) for item in self.behind[index]), *self.last]

    def place(self, item: Data, position: Position, own: list[str]) -> None:
        """Add one item. `own` are the names of the list's own items; a position names one of them, or an added item."""
        if isinstance(position, str):
            (self.first if position == "first" else self.last).append(item)
            return
        [(side, name)] = position.items()
        for items in (self.first, *self.behind.values(), self.last):
            names = [one["name"] for one in items]
            if name in names:
                items.insert(names.index(name) + (side == "after"), item)
                return
        index = own.index(name) + (side == "after")
        if index == 0:
            self.first.append(item)
        else:
            self.behind.setdefault(index - 1, []).append(item)
