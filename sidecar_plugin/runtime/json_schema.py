"""Checking data against a JSON Schema, with messages that a user can act on.

The checking is jsonschema-rs'; here its findings become one message each, with the path, what is wrong and the nearest
right key or word.
"""

import json
from collections.abc import Callable, Collection, Iterable
from itertools import islice
from typing import Any, NamedTuple

from sidecar_plugin.errors import did_you_mean, first_of
from sidecar_plugin.runtime.cache import RIGHT, kept_results

Path = list[str | int]
MAX_MESSAGE = 500  # characters of what the validator says
MAX_NAMED = 50  # words or keys that a message lists
MAX_COMPARED = 300  # values; of larger data the first error is reported, whatever others there are


class Problem(NamedTuple):
    """One finding: the path of the value in the data, what is wrong with it; `key` if it is about a key of the value,
    `missing` if it is a required key that is not there."""

    path: Path
    message: str
    key: str | None = None
    missing: str = ""


class Schema:
    """A JSON Schema (draft 2020-12 unless its `$schema` says another), read when it is first needed.

    `name` stands for its content in the keys of kept results, so it must change when the content does.
    """

    __slots__ = ("_load", "_name", "_schema", "_validator")

    def __init__(self, name: str, load: Callable[[], dict[str, Any]]) -> None:
        self._name = name
        self._load = load
        self._schema: dict[str, Any] = {}
        self._validator: Any = None

    def problem(self, data: Any) -> Problem | None:
        """Return the first thing wrong with `data`, None if it is right. An unknown key comes before what it may cause.

        Raises ValueError if the schema is no JSON Schema.
        """
        memo = kept_results()
        key = memo.key("valid", self._name, data)
        if memo.get(key) == RIGHT:
            return None
        if self._validator is None:
            import jsonschema_rs  # late: a run like an earlier one does not need it

            self._schema = self._load()
            self._validator = jsonschema_rs.validator_cls_for(self._schema)(
                self._schema, retriever=_refuse, validate_formats=True
            )
        try:
            if not self._validator.is_valid(data):
                return _problem(_first_error(self._validator, data), self._schema)
        except UnicodeEncodeError:
            return _surrogate(data, [])
        memo.put(key, RIGHT)
        return None


def _surrogate(data: Any, path: Path) -> Problem | None:
    """Return where half of a surrogate pair stands: JSON can hold one (`\\ud800`), and no text can."""
    if isinstance(data, str):
        message = "holds half of a surrogate pair (such as \\ud800), which is no character"
        return Problem(path, message) if any("\ud800" <= character <= "\udfff" for character in data) else None
    items: Iterable[Any] = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return next((found for step, item in items if (found := _surrogate(step, path) or _surrogate(item, [*path, step]))), None)


def _first_error(validator: Any, data: Any) -> Any:
    """Return the error to report: an unknown key before others, as it may be their cause.

    Each error holds a copy of the value that it is about, so of large data only the first error is made: 7,500 bad names in one
    map take 4 GB otherwise.
    """
    if _is_large(data):
        import jsonschema_rs

        try:
            validator.validate(data)
        except jsonschema_rs.ValidationError as error:
            return error
    return min(validator.iter_errors(data), key=lambda error: error.kind.name != "additionalProperties")


def _is_large(data: Any) -> bool:
    """Say whether data has more than MAX_COMPARED values."""
    left, waiting = MAX_COMPARED, [data]
    while waiting and left >= 0:
        value = waiting.pop()
        below: Collection[Any] = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        left -= 1 + len(below)
        waiting += islice(below, max(left, 0))
    return left < 0


def _refuse(address: str) -> Any:
    """A schema that refers to a file or an address: nothing is fetched."""
    raise ValueError(f"it refers to {address}, and nothing outside the schema is read")


def _problem(error: Any, schema: dict[str, Any]) -> Problem:
    path: Path = list(error.instance_path)
    kind = error.kind.name
    if kind in ("anyOf", "oneOf") and (branches := [errors[0] for errors in error.kind.context if errors]):
        # The branch that the value was meant for is the one that does not already refuse its type.
        meant = [branch for branch in branches if branch.kind.name not in ("type", "enum", "const")]
        return _problem((meant or branches)[0], schema)
    if kind == "additionalProperties":
        key = error.kind.unexpected[0]
        known = _properties_at(schema, error.schema_path)
        return Problem(path, f'unknown key "{key}"{did_you_mean(key, known) or _known(known)}', key)
    if kind == "propertyNames" and not _comment_at(schema, error.schema_path):
        key = str(error.kind.error.instance)
        return Problem(path, f'the name "{key}" is not as names are in Kubernetes (a-z, 0-9 and -)', key)
    if kind == "type":
        return Problem(path, f"must be {_types(error.kind.types)}, but is {name_of(error.instance)}")
    if kind == "enum":
        options = [option for option in error.kind.options if option is not None]
        near = did_you_mean(error.instance, map(str, options)) if isinstance(error.instance, str) else ""
        return Problem(path, f"must be {_any_of(options)}, but is {name_of(error.instance)}{near}")
    if comment := _comment_at(schema, error.schema_path):
        if comment.startswith("left "):  # out, or at its default
            return Problem(path, f"must be {comment}")
        shown = str(error.kind.error.instance) if kind == "propertyNames" else error.instance
        return Problem(path, f"must be {comment}, but is {name_of(shown)}", shown if kind == "propertyNames" else None)
    if kind == "minLength" and error.instance == "":
        return Problem(path, "must not be empty")
    if kind == "minItems" and error.instance == []:
        return Problem(path, "must not be an empty list; give an item, or leave the key out")
    if kind == "maxLength":
        return Problem(path, f"must have at most {error.kind.limit} characters, but has {len(error.instance)}")
    if kind == "maxProperties":
        return Problem(path, f"takes one key of {', '.join(_properties_at(schema, error.schema_path))}, not several")
    if kind == "minProperties":
        return Problem(path, "is empty; give at least one key, or leave it out")
    if kind == "required":
        return Problem(path, f'the key "{error.kind.property}" is missing', missing=error.kind.property)
    message = error.message
    return Problem(path, message if len(message) <= MAX_MESSAGE else f"{message[:MAX_MESSAGE]}…")


def _comment_at(schema: dict[str, Any], schema_path: list[str | int]) -> str:
    """Return what the schema says in its `$comment` that a value must be, "" if it says nothing."""
    node = _node_at(schema, schema_path[:-1])
    comment = node.get("$comment", "") if isinstance(node, dict) else ""
    return comment if isinstance(comment, str) else ""


def _node_at(schema: dict[str, Any], schema_path: list[str | int]) -> Any:
    node: Any = schema
    for step in schema_path:
        while isinstance(node, dict) and "$ref" in node and step not in node:
            node = _resolve(schema, node["$ref"])
        if step == "$ref":
            continue
        node = node[step]
    while isinstance(node, dict) and "$ref" in node:
        node = _resolve(schema, node["$ref"])
    return node


def _properties_at(schema: dict[str, Any], schema_path: list[str | int]) -> list[str]:
    node = _node_at(schema, schema_path[:-1])
    return list(node.get("properties", ())) if isinstance(node, dict) else []


def _resolve(schema: dict[str, Any], reference: str) -> Any:
    node: Any = schema
    for step in reference.removeprefix("#").strip("/").split("/"):
        node = node[step]
    return node


def _known(known: list[str]) -> str:
    return f"; known here: {first_of(known, MAX_NAMED)}" if known else ""


def _any_of(options: list[Any]) -> str:
    words = [json.dumps(option) for option in options[:MAX_NAMED]]
    if len(options) > MAX_NAMED:
        return f"{', '.join(words)} or another of {len(options)}"
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _types(types: list[str]) -> str:
    words = {"object": "a mapping", "array": "a list", "string": "a string", "boolean": "true or false"}
    words |= {"integer": "a whole number", "number": "a number"}
    named = [words[name] for name in types if name in words]
    return " or ".join(named) or "null"


def name_of(value: Any) -> str:
    """Return what a message calls a value: its kind and, of a scalar, the value itself."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'the string "{value[:60]}"'
    if isinstance(value, (int, float)):
        return f"the number {value}"
    return "a mapping" if isinstance(value, dict) else "a list"
