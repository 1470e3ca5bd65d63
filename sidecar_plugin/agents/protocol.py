"""What the program and the process that renders templates have in common. Neither Jinja2 nor a file is needed for it."""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sidecar_plugin.agents.reads import Read, read_of

MAX_SECONDS = 2.0  # of computing, for one template or schema
RUN_SECONDS = 60  # of computing, for all templates and schemas of a run


class RenderError(Exception):
    """A template that cannot be compiled or rendered: what is wrong, and the file and line if they are known."""

    def __init__(self, message: str, file: str | None = None, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.line = line


class Answer(NamedTuple):
    """What the process answered to a question: a result or an error, and what was read of the workload."""

    result: Any
    error: RenderError | None
    reads: list[Read]


def read_answer(kind: str, line: bytes) -> Answer:
    """Return what a line says in answer to a question of a kind. Raises ValueError and RecursionError for any other line."""
    data = json.loads(line)
    if not isinstance(data, dict) or not isinstance(data.get("reads"), list):
        raise ValueError(line[:100])
    reads = list(map(read_of, data["reads"]))
    if "error" in data:
        if not _is(data["error"], str, (str, type(None)), (int, type(None))):
            raise ValueError(line[:100])
        return Answer(None, RenderError(*data["error"]), reads)
    if "result" not in data or not _RESULTS[kind](data["result"]):
        raise ValueError(line[:100])
    return Answer(data["result"], None, reads)


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
    "schema": _is_problem,
}
