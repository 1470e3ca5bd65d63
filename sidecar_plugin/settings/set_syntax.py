"""Values as Helm treats them: merging, and the `--set` syntax.

Sources: https://helm.sh/docs/chart_template_guide/values_files/ (maps merge, lists replace, null removes a key) and
https://helm.sh/docs/intro/using_helm/#the-format-and-limitations-of---set.
"""

import re
from collections.abc import Callable
from typing import Any

from sidecar_plugin.errors import SettingsError

_INTEGER = r"[-+]?(?:0|[1-9][0-9]*)"
_STEP = r"((?:[^.\[\]\\]|\\.)+)((?:\[\d{1,3}\])*)"
_KEY = rf"{_STEP}(?:\.{_STEP})*"


def parse_set(text: str, option: str = "--set") -> dict[str, Any]:
    """Return the values that one argument of `--set` sets: `a.b=c`, several with commas, `a={x,y}`, `a[0].b=c`, `\\` escapes.

    As in Helm, true, false and null in any case and integers mean just that, and all else is a string (so
    `--set clusterVersion=1.30` is "1.30"). With the option `--set-string` everything is a string. Raises SettingsError for text
    that is no assignment.
    """
    typed = _unescaped if option == "--set-string" else _typed
    values: dict[str, Any] = {}
    position = 0
    while position < len(text):
        key, position = _until(text, position, "=,")
        if position >= len(text) or text[position] != "=":
            raise SettingsError(f'{option} "{text}": "{key}" has no value; write KEY=VALUE')
        if key != key.strip():
            raise SettingsError(f'{option} "{text}": a blank beside the key "{key.strip()}"; write a,b without blanks')
        position += 1
        if text.startswith("{", position):
            items, position = _list(text, position + 1)
            value: Any = [typed(item) for item in items]
        else:
            raw, position = _until(text, position, ",")
            value = typed(raw)
        _assign(values, _steps(text, key), value)
        if position < len(text) and text[position] != ",":
            raise SettingsError(f'--set "{text}": a comma is missing after the list of "{key}"')
        position += 1
    return values


def _until(text: str, position: int, stops: str) -> tuple[str, int]:
    """Return the raw text up to an unescaped character of `stops`, and where that stands."""
    start = position
    while position < len(text) and text[position] not in stops:
        position += 2 if text[position] == "\\" else 1
    return text[start:position], min(position, len(text))


def _list(text: str, position: int) -> tuple[list[str], int]:
    items: list[str] = []
    while True:
        item, position = _until(text, position, ",}")
        if position >= len(text):
            raise SettingsError(f'--set "{text}": the list is not closed with }}')
        if item or text[position] == "," or items:
            items.append(item)
        position += 1
        if text[position - 1] == "}":
            return items, position


def _typed(raw: str) -> Any:
    lower = raw.lower()
    if lower in ("true", "false"):
        return lower == "true"
    if lower == "null":
        return None
    if re.fullmatch(_INTEGER, raw) and len(raw) < 20:
        return int(raw)
    return _unescaped(raw)


def _unescaped(raw: str) -> str:
    return re.sub(r"\\(.)", r"\1", raw)


def parse_set_file(text: str, read: Callable[[str], str]) -> dict[str, Any]:
    """Return the values that one argument of `--set-file` sets, `a.b=FILE` or several with commas; `read` returns a text."""
    values: dict[str, Any] = {}
    for part in text.split(","):
        key, has_value, name = part.partition("=")
        if not has_value or not name:
            raise SettingsError(f'--set-file "{text}": "{key}" has no file; write KEY=FILE')
        _assign(values, _steps(text, key), read(name))
    return values


def _steps(text: str, key: str) -> list[str | int]:
    if not re.fullmatch(_KEY, key):
        raise SettingsError(f'--set "{text}": "{key}" is no key; write a.b.c or a[0].b')
    steps: list[str | int] = []
    for name, indexes in re.findall(_STEP, key):
        steps.append(re.sub(r"\\(.)", r"\1", name))
        steps.extend(int(index) for index in re.findall(r"\d+", indexes))
    return steps


def _assign(values: Any, steps: list[str | int], value: Any) -> None:
    target: Any = values
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        empty: Any = value if following is None else [] if isinstance(following, int) else {}
        if isinstance(step, int):
            target.extend([None] * (step + 1 - len(target)))
            if following is None or not isinstance(target[step], type(empty)):
                target[step] = empty
        elif following is None or not isinstance(target.get(step), type(empty)):
            target[step] = empty
        target = target[step]
