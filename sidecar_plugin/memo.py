"""Results of earlier runs that need not be worked out again.

Two things cost most of a run on a small chart, and both are pure functions of text that seldom changes: importing Jinja2 to
render an agent, and importing a JSON Schema validator to find that settings are right. A Memo keeps their results under keys
that hold everything the result depends on, so a wrong one cannot be found. Where it is kept is the front ends' part.
"""

import json
from typing import Any

MAX_ENTRIES = 200  # a chart has a few workloads; a stream of thousands is not worth remembering
RIGHT = ""
"""The result of a check that found nothing wrong."""


class Memo:
    """Results by key: those known from earlier runs, and those used or added in this one."""

    __slots__ = ("_known", "added", "used")

    def __init__(self, known: dict[str, str] | None = None) -> None:
        self._known = known or {}
        self.used: dict[str, str] = {}
        self.added = False

    def get(self, key: str) -> str | None:
        """Return the result under `key`, None if it is not known."""
        result = self._known.get(key)
        if result is not None:
            self.used[key] = result
        return result

    @property
    def is_full(self) -> bool:
        """Whether there is no room for more results: then making a key costs more than it may save."""
        return len(self.used) >= MAX_ENTRIES

    def put(self, key: str, result: str) -> None:
        """Keep a result, as long as there is room."""
        if not self.is_full:
            self._known[key] = self.used[key] = result
            self.added = True


def key_of(*parts: Any) -> str:
    """Return the key for what these parts, plain data, are put in to."""
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
