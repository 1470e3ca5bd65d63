"""What a template reads of a workload: a rendering is shared by all workloads in which the same is found there.

A template is a function of what it reads: where each of its reads finds the same, it renders the same.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

Path = tuple[str | int, ...]
MISSING = "missing"


class Read(NamedTuple):
    """A place in a workload's data that was read: as a `whole`, or only what stands there.

    What stands at a place is a value, a mapping of any content, or a list of so many mappings.
    """

    whole: bool
    path: Path

    def found_in(self, data: Any) -> Any:
        """Return what the read finds in other data, as plain data."""
        for step in self.path:
            try:
                data = data[step]
            except (KeyError, IndexError, TypeError):
                return MISSING
        if self.whole:
            return ["whole", data]
        if isinstance(data, dict):
            return ["mapping"]
        return ["list", len(data)] if _holds_mappings(data) else ["value", data]


def read_of(data: Any) -> Read:
    """Return the read that JSON stands for. Raises ValueError for JSON that is none."""
    match data:
        case [bool(whole), [*path]] if all(isinstance(step, (str, int)) for step in path):
            return Read(whole, tuple(path))
    raise ValueError(str(data)[:100])


def in_order(reads: Iterable[Read]) -> tuple[Read, ...]:
    """Return reads in an order that depends on nothing else."""
    return tuple(sorted(reads, key=str))


class Watched(Mapping[str, Any]):
    """A mapping of a workload's data that notes what is read of it. Mappings in it, and those in its lists, are watched too."""

    __slots__ = ("_data", "_path", "_reads")

    def __init__(self, data: dict[str, Any], reads: set[Read], path: Path = ()) -> None:
        self._data = data
        self._reads = reads
        self._path = path

    def __getitem__(self, key: str) -> Any:
        path = (*self._path, key)
        if isinstance(key, str):
            self._reads.add(Read(False, path))
        value = self._data[key]
        if isinstance(value, dict):
            return Watched(value, self._reads, path)
        if _holds_mappings(value):
            return [Watched(item, self._reads, (*path, index)) for index, item in enumerate(value)]
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self.whole())

    def __len__(self) -> int:
        return len(self.whole())

    def __repr__(self) -> str:
        return repr(self.whole())

    def whole(self) -> dict[str, Any]:
        """Return all of it, which counts as read."""
        self._reads.add(Read(True, self._path))
        return self._data


def plain(value: Any) -> Any:
    """Return a value in which nothing is watched: what is, counts as read."""
    if isinstance(value, Watched):
        return value.whole()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return list(map(plain, value)) if isinstance(value, (list, tuple)) else value


def _holds_mappings(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)
