"""What the program and the process that renders templates have in common. Neither Jinja2 nor a file is needed for it."""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

MAX_SECONDS = 2.0  # of computing, for one template or schema
RUN_SECONDS = 60  # of computing, for all templates and schemas of a run


class RenderError(Exception):
    """A template that cannot be compiled or rendered: what is wrong, and the file and line if they are known."""

    def __init__(self, message: str, file: str | None = None, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.line = line


class Watched(dict[str, Any]):
    """A part of a template's context that notes in `seen` which of its fields are looked at."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(data)
        self.seen: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self.seen.add(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self.seen.add(key)
        return super().get(key, default)


class Answer(NamedTuple):
    """What the process answered to a question: a result or an error, and which fields of the workload were looked at."""

    result: Any
    error: RenderError | None
    seen: list[str]


def read_answer(kind: str, line: bytes) -> Answer:
    """Return what a line says in answer to a question of a kind. Raises ValueError and RecursionError for any other line."""
    data = json.loads(line)
    seen = data.get("seen") if isinstance(data, dict) else None
    if not (isinstance(seen, list) and all(isinstance(name, str) for name in seen)):
        raise ValueError(line[:100])
    if "error" in data:
        if not _is(data["error"], str, (str, type(None)), (int, type(None))):
            raise ValueError(line[:100])
        return Answer(None, RenderError(*data["error"]), seen)
    if "result" not in data or not _RESULTS[kind](data["result"]):
        raise ValueError(line[:100])
    return Answer(data["result"], None, seen)


def _is(items: Any, *types: type | tuple[type, ...]) -> bool:
    return isinstance(items, list) and len(items) == len(types) and all(map(isinstance, items, types))


def _is_problem(result: Any) -> bool:
    if result is None:
        return True
    types = (list, str, (str, type(None)), str)
    return _is(result, *types) and all(isinstance(step, (str, int)) for step in result[0])


_RESULTS: Mapping[str, Callable[[Any], bool]] = {
    "compile": lambda result: _is(result, int, bool),
    "render": lambda result: isinstance(result, str),
    "watch": lambda result: isinstance(result, str),
    "schema": _is_problem,
}
