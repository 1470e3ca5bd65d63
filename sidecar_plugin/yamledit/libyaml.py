"""libyaml's parser, through PyYAML's binding: the one place that imports PyYAML."""

import operator
import re
import sys
from importlib.machinery import PathFinder
from types import ModuleType
from typing import Any

_PURE = {  # the modules of PyYAML's other half, and the error that the binding takes from each
    "reader": "ReaderError", "scanner": "ScannerError", "parser": "ParserError", "composer": "ComposerError",
    "constructor": "ConstructorError", "emitter": "EmitterError", "serializer": "SerializerError",
    "representer": "RepresenterError",
}  # fmt: skip


def _binding() -> Any:
    """Return PyYAML's binding of libyaml without importing the rest of PyYAML.

    `import yaml` takes 10 ms more, a fifth of a run on a small chart, for a parser in Python that nothing here uses. The
    binding needs PyYAML's events, tokens, nodes and error classes only, so while it loads, `yaml` is a package of just these.
    Afterwards `import yaml` imports the real one.
    """
    if "yaml" in sys.modules:
        from yaml import _yaml

        return _yaml
    spec = PathFinder.find_spec("yaml")
    if spec is None:
        raise ImportError("PyYAML is not installed")
    lean: Any = ModuleType("yaml")
    lean.__path__ = spec.submodule_search_locations
    sys.modules["yaml"] = lean
    try:
        from yaml import error, events, nodes, tokens  # noqa: F401  # they become attributes of the package

        for module, name in _PURE.items():
            base = error.YAMLError if module == "reader" else error.MarkedYAMLError
            members = {"__init__": _init_reader_error} if module == "reader" else {}
            stand_in = ModuleType(f"yaml.{module}")
            setattr(stand_in, name, type(name, (base,), members))
            setattr(lean, module, stand_in)
        from yaml import _yaml

        return _yaml
    finally:
        del sys.modules["yaml"]


def _init_reader_error(self: Any, name: str, position: int, character: int, encoding: str, reason: str) -> None:
    self.name, self.position, self.character, self.encoding, self.reason = name, position, character, encoding, reason


MAX_DEPTH = 1000
"""How deep collections can be nested. From 0.2.6 on (PyYAML 6.0.4) libyaml has this bound itself, one for each style, and
counts otherwise: it stops a level earlier in block style, and later where anchors stand between."""
_TOO_DEEP = "exceeded maximum nesting depth"

_libyaml: Any = _binding()
Event: Any = sys.modules["yaml.events"]
"""The classes of libyaml's events, by their names."""
YAMLError: Any = sys.modules["yaml.error"].YAMLError
"""What the parser raises for text that is not YAML."""


def parser(text: str) -> Any:
    """Return libyaml's parser of `text`: `get_event()` gives the next event or None, `raw_parse()` checks the syntax only.

    Both raise YAMLError for text that is not YAML.
    """
    return _libyaml.CParser(text)


class _Composer(_libyaml.CParser):  # type: ignore[misc]  # the binding has no types
    """Composes without resolving tags: the three methods are what the binding calls for each node, here of no effect."""

    descend_resolver = staticmethod(operator.is_)
    ascend_resolver = staticmethod(tuple)

    @staticmethod
    def resolve(kind: Any, value: Any, implicit: Any) -> None: ...


def compose(text: str, classes: dict[str, Any]) -> Any:
    """Return the root of the one document in `text`, None if there is none; tags are all None.

    `classes` are those that the nodes are made of, by the names of PyYAML's. The binding looks those names up for every node,
    so while it composes they stand for ours: a node that is made once takes half the time of one that is made twice.

    Raises YAMLError for text that is not YAML, for aliases, and for a second document. Nesting is for the caller to bound.
    """
    names = _libyaml.__dict__
    before = {name: names[name] for name in classes}
    names.update(classes)
    try:
        return _Composer(text).get_single_node()
    finally:
        names.update(before)


_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def problem(text: str, error: Any) -> tuple[str, int]:
    """Return what libyaml found wrong with `text`, in words, and the offset of it."""
    mark = getattr(error, "problem_mark", None)
    if mark is not None and error.problem == _TOO_DEEP:
        return f"nested more than {MAX_DEPTH} levels deep", mark.index
    if mark is not None:
        words = f"{error.context}: {error.problem}" if error.context else str(error.problem)
        line = text[mark.index - mark.column : mark.index + 1]
        hint = " (YAML does not allow tabs for indentation)" if "\t" in line and "token" in words else ""
        if _SURROGATE.match(text, text.rfind("\\", 0, mark.index + 1)):
            hint = "; YAML knows no surrogate pairs as JSON does (\\ud83d\\ude00): write the character itself, as jq does"
        return f"not YAML: {words}{hint}", mark.index
    if hasattr(error, "reason"):
        before = text.encode()[: error.position].decode(errors="ignore")
        return f"not YAML: {error.reason}", len(before)
    return f"not YAML: {error}", 0
