"""A tree of nodes as plain data, its scalars read as kubectl and Helm read them.

Go's yaml decides: `on` and `yes` are booleans (YAML 1.1), `0x1f`, `0o17` and `017` are integers, `12:34:56` and dates are
strings. Source: https://pkg.go.dev/sigs.k8s.io/yaml/goyaml.v2#section-readme ("Compatibility").
Aliases are expanded, merge keys applied, both up to MAX_NODES nodes: an alias bomb ends in an error, not in memory.
"""

import re
from typing import Any

from sidecar_plugin.errors import ManifestError
from sidecar_plugin.yamledit.nodes import MERGE_KEY, Mapping, Node, Scalar, Sequence, follow

MAX_NODES = 100_000
MAX_DEPTH = 200  # of settings and values; Kubernetes' own objects are some twenty levels deep

_WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
for _word, _value in (("true", True), ("yes", True), ("on", True), ("false", False), ("no", False), ("off", False)):
    _WORDS.update({_word: _value, _word.capitalize(): _value, _word.upper(): _value})
_NUMBER = (  # compiled when there is something like a number
    r"(?P<integer>[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*))"
    r"|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
)
_INFINITE = r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
_NUMBER_STARTS = "+-.0123456789"
_INF = float("inf")
_STRING_TAGS = ("tag:yaml.org,2002:str", "!")
_CORE = "tag:yaml.org,2002:"


class DataError(ManifestError):
    """A node that has no plain data; `offset` is where it stands."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


def resolve(scalar: Scalar) -> str | int | float | bool | None:
    """Return what the scalar means. Raises DataError for a tag of the user's own and for numbers without end."""
    text = scalar.value
    if scalar.tag is not None and (scalar.tag in _STRING_TAGS or not scalar.tag.startswith(_CORE)):
        if scalar.tag not in _STRING_TAGS:
            raise DataError(f"the tag {scalar.tag} has no meaning here", scalar.start)
        return text
    if scalar.style and scalar.tag is None:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    if found := re.fullmatch(_NUMBER, text):
        digits = text.replace("_", "")
        if found["integer"] is None:
            number = float(digits)
            if number in (_INF, -_INF):
                raise DataError(f"{text} is larger than any number that Kubernetes takes", scalar.start)
            return number
        plain = digits.lstrip("+-")
        if len(plain) > 1 and plain[0] == "0" and plain[1].isdigit():
            digits = digits.replace("0", "0o", 1)  # YAML 1.1's octal
        if len(digits) > 4000:  # more than Python turns into an integer at a sensible cost
            raise DataError("a number of more than 4000 digits", scalar.start)
        return int(digits, 0)
    if re.fullmatch(_INFINITE, text):
        raise DataError(f"{text} is no number that Kubernetes takes", scalar.start)
    return text


def to_data(root: Node, depth: int = 0) -> Any:
    """Return `root`, which stands `depth` levels deep, as dicts, lists and scalars.

    Raises DataError for a key that stands twice, a merge of something that is no mapping, more than MAX_NODES nodes, and
    what `resolve` refuses.
    """
    left = MAX_NODES

    def convert(node: Node) -> Any:
        nonlocal left, depth
        left -= 1
        if left < 0:
            raise DataError(f"more than {MAX_NODES} values once aliases are expanded", node.start)
        if depth >= MAX_DEPTH:
            raise DataError(f"nested too deep: more than {MAX_DEPTH} levels", node.start)
        depth += 1
        data = convert_known(node)
        depth -= 1
        return data

    def convert_known(node: Node) -> Any:
        node = follow(node)
        if isinstance(node, Scalar):
            return resolve(node)
        if isinstance(node, Sequence):
            return [convert(item) for item in node.items]
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key, value in node.pairs:
            if key.value == MERGE_KEY and not key.style:
                for source in merge_sources(value):
                    for name, inherited in convert(source).items():
                        merged.setdefault(name, inherited)
            elif key.value in own:
                raise DataError(f'the key "{key.value}" stands twice in one mapping', key.start)
            else:
                own[key.value] = convert(value)
        return {**merged, **own} if merged else own

    return convert(root)


def merge_sources(value: Node) -> list[Mapping]:
    """Return the mappings that a merge key (https://yaml.org/type/merge.html) takes in, the strongest first."""
    target = follow(value)
    sources = [follow(item) for item in target.items] if isinstance(target, Sequence) else [target]
    for source in sources:
        if not isinstance(source, Mapping):
            raise DataError("a merge key takes a mapping or a list of mappings", value.start)
    return sources  # type: ignore[return-value]
