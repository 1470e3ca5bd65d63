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

    def key(self, *parts: Any) -> str | None:
        """Return the key for what these parts, plain data, are put in to; None when there is no room for more results, as
        making it then costs more than it may save."""
        if self._is_full:
            return None
        return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))

    def get(self, key: str | None) -> str | None:
        """Return the result under `key`, None if it is not known."""
        if key is None:
            return None
        result = self._known.get(key)
        if result is not None:
            self.used[key] = result
        return result

    def put(self, key: str | None, result: str) -> None:
        """Keep a result, if it has a key, as long as there is room."""
        if key is not None and not self._is_full:
            self._known[key] = self.used[key] = result
            self.added = True

    @property
    def _is_full(self) -> bool:
        return len(self.used) >= MAX_ENTRIES
