"""libyaml's parser, through PyYAML's binding: the one place that imports PyYAML."""

from typing import Any

import yaml
from yaml import cyaml, events
from yaml.error import MarkedYAMLError, YAMLError
from yaml.reader import ReaderError

if not yaml.__with_libyaml__:
    raise ImportError("PyYAML was built without libyaml; install it from a wheel, or with libyaml's headers (libyaml-dev)")

_binding: Any = cyaml
Event: Any = events
"""The classes of libyaml's events, by their names."""


def parser(text: str) -> Any:
    """Return libyaml's parser of `text`: `get_event()` gives the next event or None, `raw_parse()` checks the syntax only.

    Both raise YAMLError for text that is not YAML.
    """
    return _binding.CParser(text)


def problem(text: str, error: YAMLError) -> tuple[str, int]:
    """Return what libyaml found wrong with `text`, in words, and the offset of it."""
    if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        words = f"{error.context}: {error.problem}" if error.context else str(error.problem)
        mark: Any = error.problem_mark
        line = text[mark.index - mark.column : mark.index + 1]
        hint = " (YAML does not allow tabs for indentation)" if "\t" in line and "token" in words else ""
        return f"not YAML: {words}{hint}", mark.index
    if isinstance(error, ReaderError):
        before = text.encode()[: error.position].decode(errors="ignore")
        return f"not YAML: {error.reason}", len(before)
    return f"not YAML: {error}", 0


__all__ = ["Event", "YAMLError", "parser", "problem"]
