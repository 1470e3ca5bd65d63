"""What the program and the process that renders templates have in common. Neither Jinja2 nor a file is needed for it."""

from collections.abc import Mapping
from typing import Any

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
