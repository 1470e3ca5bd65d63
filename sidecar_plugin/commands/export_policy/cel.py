"""Expressions of the Common Expression Language, as admission policies take them, for data and for selectors.

Sources: https://github.com/google/cel-spec/blob/master/doc/langdef.md (literals) and
https://kubernetes.io/docs/reference/using-api/cel/ (what Kubernetes adds: optionals, matches, lists, and that the items of a
list and the values of a map must be of one type, unless they are `dyn`).
"""

import json
import re
from typing import Any, Protocol

from sidecar_plugin.errors import SettingsError
from sidecar_plugin.kubernetes.selectors import Requirement, Selector

OWNERS = ("ReplicaSet", "StatefulSet", "DaemonSet", "Job", "ReplicationController")
"""The kinds that make pods themselves. A Deployment makes ReplicaSets, a CronJob Jobs."""
_MAKES = {"Deployment": "ReplicaSet", "CronJob": "Job"}
CONTROLLERS = "object.metadata.?ownerReferences.orValue([]).filter(o, o.?controller.orValue(false))"
"""The owner that made an object: a list of one, or of none."""


def text(value: str, placeholders: dict[str, str] | None = None) -> str:
    """Return a string. `placeholders` are expressions by the words in `value` that stand for them."""
    for word, expression in (placeholders or {}).items():
        if word in value:
            pieces = [text(piece, placeholders) for piece in value.split(word)]
            return "(" + f" + {expression} + ".join(pieces) + ")"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def literal(data: Any, placeholders: dict[str, str] | None = None) -> str:
    """Return data of any kind."""
    if isinstance(data, str):
        return text(data, placeholders)
    if isinstance(data, dict):
        is_uniform = all(isinstance(value, str) for value in data.values())
        pairs = (f"{text(key, placeholders)}: {_as_item(value, is_uniform, placeholders)}" for key, value in data.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(data, list):
        is_uniform = all(isinstance(item, str) for item in data)
        return f"[{', '.join(_as_item(item, is_uniform, placeholders) for item in data)}]"
    return json.dumps(data, allow_nan=False)  # null, true, false, 1 and 1.5 are written alike


def _as_item(data: Any, is_uniform: bool, placeholders: dict[str, str] | None) -> str:
    written = literal(data, placeholders)
    return written if is_uniform else f"dyn({written})"


def any_of(expressions: list[str], otherwise: str) -> str:
    """Return the expressions joined by or, `otherwise` if there are none."""
    if len(expressions) < 2:
        return expressions[0] if expressions else otherwise
    return " || ".join(f"({expression})" for expression in expressions)


def has_container(spec: str, name: str, image_repository: str) -> str:
    """Return whether a pod spec has, in either list, a container of that name whose image is of that repository."""
    prefix, image = text(image_repository), 'c.?image.orValue("")'
    same = f"({image} == {prefix} || {image}.startsWith({prefix} + ':') || {image}.startsWith({prefix} + '@'))"
    exists = f"exists(c, c.name == {text(name)} && {same})"
    return f"{spec}.containers.{exists} || {spec}.?initContainers.orValue([]).{exists}"


class Subject(Protocol):
    """What a policy judges: how its expressions read the fields that a selector compares."""

    def kind(self, patterns: tuple[str, ...]) -> str:
        """Return what is true of these kinds. Raises SettingsError for a kind that is not known."""

    def name(self, patterns: tuple[str, ...], kinds: tuple[str, ...]) -> str:
        """Return what is true of these names. Raises SettingsError where the workload's name is not known."""

    def has(self, where: str, key: str) -> str:
        """Return whether the labels or annotations have a key."""

    def value(self, where: str, key: str) -> str:
        """Return the value of a key that they have."""


class _Pod:
    """A pod: the workload that made it is known by its kind only."""

    def kind(self, patterns: tuple[str, ...]) -> str:
        return any_of([_owner(kind) for kind in patterns], "")

    def name(self, patterns: tuple[str, ...], kinds: tuple[str, ...]) -> str:
        if kinds != ("Pod",):
            remedy = "with names give kinds: [Pod], or select by labels"
            raise SettingsError(f"names are those of workloads, and a pod of one has another name; {remedy}", field="names")
        return _globs('object.metadata.?name.orValue("")', patterns)

    def has(self, where: str, key: str) -> str:
        return f"{text(key)} in object.metadata.?{where}.orValue({{}})"

    def value(self, where: str, key: str) -> str:
        return f"object.metadata.{where}[{text(key)}]"


class _Workload:
    """A workload: labels and annotations are its own and those of its pod template, which win (`TEMPLATE_METADATA`)."""

    def kind(self, patterns: tuple[str, ...]) -> str:
        return _globs("object.kind", patterns)

    def name(self, patterns: tuple[str, ...], kinds: tuple[str, ...]) -> str:
        return _globs('object.metadata.?name.orValue("")', patterns)

    def has(self, where: str, key: str) -> str:
        return f"{TEMPLATE_METADATA}.exists(m, {text(key)} in m.?{where}.orValue({{}}))"

    def value(self, where: str, key: str) -> str:
        return f"{TEMPLATE_METADATA}.filter(m, {text(key)} in m.?{where}.orValue({{}}))[0].{where}[{text(key)}]"


TEMPLATE_METADATA = "variables.metadata"
"""The variable with every `metadata` of a workload, from its pod template outwards."""
POD: Subject = _Pod()
WORKLOAD: Subject = _Workload()


def selector(chosen: Selector, subject: Subject = POD) -> str:
    """Return what is true of the objects that a selector of the settings means.

    Raises SettingsError, with the field, for what cannot be said of the subject.
    """
    parts = []
    if chosen.kinds:
        parts.append(subject.kind(chosen.kinds))
    if chosen.names:
        parts.append(subject.name(chosen.names, chosen.kinds))
    if chosen.namespaces:
        parts.append(_globs("request.namespace", chosen.namespaces))
    parts += [_requirement(requirement, "labels", subject) for requirement in chosen.labels]
    parts += [_requirement(requirement, "annotations", subject) for requirement in chosen.annotations]
    return " && ".join(f"({part})" for part in parts)


def _owner(kind: str) -> str:
    if kind == "Pod":
        return f"{CONTROLLERS}.size() == 0"
    if kind in OWNERS:
        return f"{CONTROLLERS}.exists(o, o.kind == {text(kind)})"
    instead = (
        f"; say {_MAKES[kind]}, which makes its pods" if kind in _MAKES else f"; it can tell {', '.join(('Pod', *OWNERS))}"
    )
    raise SettingsError(
        f'a policy sees pods, and cannot tell that one is of a workload of the kind "{kind}"{instead}', field="kinds"
    )


def _globs(subject: str, patterns: tuple[str, ...]) -> str:
    if not any(set("*?[").intersection(pattern) for pattern in patterns):
        return f"{subject} in {literal(list(patterns))}"
    expression = f"^({'|'.join(map(_regular, patterns))})$"
    try:
        re.compile(expression)
    except re.error as error:
        raise SettingsError(f"a policy cannot have these patterns: {', '.join(patterns)} ({error.msg})") from None
    return f"{subject}.matches({text(expression)})"


def _regular(pattern: str) -> str:
    """Return a glob as a regular expression of RE2."""
    pieces = []
    for found in re.finditer(r"\[(?P<not>!|(?!!))(?P<set>\][^\]]*|[^\]]+)\]|(?P<one>.)", pattern, re.DOTALL):
        if found["one"]:
            pieces.append({"*": ".*", "?": "."}.get(found["one"], re.escape(found["one"])))
        else:
            inside = found["set"].replace("\\", "\\\\").replace("]", "\\]").replace("[", "\\[").replace("^", "\\^")
            pieces.append(f"[{'^' if found['not'] else ''}{inside}]")
    return "".join(pieces)


def _requirement(requirement: Requirement, where: str, subject: Subject) -> str:
    there = subject.has(where, requirement.key)
    if requirement.operator == "exists":
        return there
    if requirement.operator == "absent":
        return f"!({there})"
    among = f"{subject.value(where, requirement.key)} in {literal(sorted(requirement.values))}"
    return f"{there} && {among}" if requirement.operator == "in" else f"!({there}) || !({among})"
