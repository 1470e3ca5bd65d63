"""Jinja2 in a sandbox: what a template can say, and how much it can make of it.

The immutable sandbox (https://jinja.palletsprojects.com/en/stable/sandbox/) keeps a template from Python's objects: no
attribute that starts with an underscore, no files but the agent's own, no name that was not given. Bounded here besides are the
size of numbers and of what multiplying makes, the output and the time. What Python cannot bound from inside, such as a
comparison of two lists that never ends, is bounded by the process that this runs in: see `sandbox_worker`.
"""

import json
import re
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import BuiltinMethodType, FunctionType, MethodType
from typing import Any, NoReturn

from jinja2 import FunctionLoader, StrictUndefined, Template, TemplateError, TemplateNotFound, Undefined, UndefinedError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from sidecar_plugin.agents.protocol import MAX_SECONDS, RenderError
from sidecar_plugin.agents.reads import Watched, plain
from sidecar_plugin.yamledit.emitter import block

MAX_OUTPUT = 1_000_000  # characters; no API server takes a pod that large (1.5 MiB an object)
MAX_BITS = 100_000


_ADDRESS = r"<([^<>\n]+) at 0x[0-9a-f]+>"  # Python's text for an object without one of its own; it differs in every run
_DATA = (str, int, float, dict, list, tuple, type(None), Undefined, Watched)


class TimeUpError(BaseException):
    """The alarm; no `except Exception` of a library is to swallow it."""


class _NoValue(StrictUndefined):
    """A name or attribute without a value. Text for it is refused inside a list or mapping as well."""

    __slots__ = ()

    def __repr__(self) -> NoReturn:
        self._fail_with_undefined_error()


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset(("**", "*", "%"))

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return the item of a mapping, else its attribute: a value may be called `keys` or `items`."""
        if isinstance(obj, (dict, Watched)) and attribute in obj:
            return obj[attribute]
        return _only_called(super().getattr(obj, attribute))

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Return the item, else the attribute of that name."""
        return _only_called(super().getitem(obj, argument))

    def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805  # Jinja2's names
        """Call a method or function. Raises UndefinedError for plain data."""
        if isinstance(__obj, _DATA) and not isinstance(__obj, Undefined):
            raise UndefinedError("a value cannot be called; where it hides a method such as items, use the filter of that name")
        return super().call(__context, __obj, *args, **kwargs)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" and _bits(left) * abs(_bits_or(right)) > MAX_BITS:
            raise OverflowError("the power is too large")
        if operator == "*" and (_bits(left) + _bits(right) > MAX_BITS or _length(left, right) > MAX_OUTPUT):
            raise OverflowError("the product is too large")
        if operator == "%" and isinstance(left, str):
            raise TypeError("% does not format here; use ~ and the filter format")
        return super().call_binop(context, operator, left, right)


class _Method:
    """A method or function that a template may call. Python's text for it holds an address: it is refused."""

    __slots__ = ("_method",)

    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = method

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._method(*args, **kwargs)

    def __repr__(self) -> NoReturn:
        raise UndefinedError(f"{self._method.__name__} is a function, and is not called here; only values are rendered")


def _only_called(value: Any) -> Any:
    return _Method(value) if isinstance(value, (BuiltinMethodType, MethodType, FunctionType, type)) else value


def _only_data(value: Any) -> Any:
    """Return a value that is to be rendered. Raises UndefinedError for one that is not plain data, such as a function."""
    if isinstance(value, (*_DATA, _Method)):
        return value
    raise UndefinedError(f"a {type(value).__name__} has no text; render what it returns, or use a filter such as list or join")


def _bits(value: Any) -> int:
    return value.bit_length() if isinstance(value, int) else 0


def _bits_or(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _length(left: Any, right: Any) -> int:
    if isinstance(left, int):
        left, right = right, left
    return len(left) * right if isinstance(left, (str, bytes, list, tuple)) and isinstance(right, int) else 0


def compile_template(files: Mapping[str, str], paths: Mapping[str, str], name: str) -> Template:
    """Return the template `name` of the files, which messages call by their `paths`. Raises RenderError."""

    def load(name: str) -> tuple[str, str, Callable[[], bool]] | None:
        return (files[name], paths[name], lambda: True) if name in files else None

    environment = _Environment(
        loader=FunctionLoader(load),
        undefined=_NoValue,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
        finalize=_only_data,
    )
    del environment.filters["random"], environment.globals["lipsum"]  # the same input is to give the same output
    environment.globals["fail"] = _fail
    environment.globals = {name: _only_called(function) for name, function in environment.globals.items()}
    environment.filters["tojson"] = _to_json
    environment.filters["toyaml"] = _to_yaml
    environment.filters["sha256"] = _sha256
    environment.filters["with_share_of"] = _with_share_of
    with _bounded(frozenset(paths.values())):
        return environment.get_template(name)


def looks_at(files: Mapping[str, str], name: str) -> bool:
    """Say whether one of the templates looks `name` up in its context; what cannot be read is taken to."""
    environment = _Environment(optimized=False)  # the optimizer would work out constant expressions
    try:
        with _bounded(frozenset()):
            return any(name in meta.find_undeclared_variables(environment.parse(text)) for text in files.values())
    except RenderError:
        return True


def render(template: Template, context: Mapping[str, Any], paths: frozenset[str]) -> str:
    """Return what the template renders to. Raises RenderError, with the line if it is in one of the files `paths`."""
    pieces, size = [], 0
    with _bounded(paths):
        for piece in template.generate(context):
            size += len(piece)
            if size > MAX_OUTPUT:
                raise RenderError(f"the template renders more than {MAX_OUTPUT} characters")
            pieces.append(piece)
        text = "".join(pieces)
        if " at 0x" in text and (found := re.search(_ADDRESS, text)):
            raise RenderError(f"the template renders a {found[1][:60]}, which is no value; use a filter such as list or join")
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError as error:
                raise RenderError(f"the template renders half a character, U+{ord(text[error.start]):04X}") from None
        return text


@contextmanager
def _bounded(paths: frozenset[str]) -> Iterator[None]:
    try:
        with _alarm():
            yield
    except RenderError:
        raise
    except TimeUpError as error:
        raise _render_error(f"the template takes longer than {MAX_SECONDS:g} s", error, paths) from None
    except MemoryError as error:
        raise _render_error("the template takes too much memory", error, paths) from None
    except TemplateNotFound as error:
        raise _render_error(f"there is no file {error} in the agent's folder", error, paths) from None
    except RecursionError as error:
        raise _render_error("the template is nested too deep, or includes itself", error, paths) from None
    except Exception as error:  # noqa: BLE001  # a template can raise whatever its expressions raise
        raise _render_error(str(error) or type(error).__name__, error, paths) from None


def _render_error(message: str, error: BaseException, paths: frozenset[str]) -> RenderError:
    """Return the error at the template's own file and line: what Jinja2 says, else the innermost frame that is a template."""
    if isinstance(error, TemplateError) and getattr(error, "lineno", None) is not None:
        return RenderError(message, getattr(error, "filename", None), getattr(error, "lineno", None))
    file, line, step = None, None, error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename in paths:
            file, line = step.tb_frame.f_code.co_filename, step.tb_lineno
        step = step.tb_next
    return RenderError(message, file, line)


@contextmanager
def _alarm() -> Iterator[None]:
    if not hasattr(signal, "setitimer") or signal.getsignal(signal.SIGPROF) is not ring:
        yield
        return
    signal.setitimer(signal.ITIMER_PROF, MAX_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def ring(*_: Any) -> None:
    """What SIGPROF has to call for the time to be bounded; `sandbox_worker.confine` sets it."""
    raise TimeUpError


def _fail(message: str) -> None:
    """What templates call for values that no schema can refuse: `{{ fail("say why") }}`, as Helm's `fail`."""
    raise UndefinedError(message)


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain_or_refused)


def _plain_or_refused(value: Any) -> Any:
    if isinstance(value, Watched):
        return value.whole()
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")  # as json says it


def _to_yaml(value: Any) -> str:
    value = plain(value)
    if isinstance(value, (dict, list)) and value:
        return "\n".join(block(value, 0))
    return _to_json(value)


def _sha256(text: str) -> str:
    from hashlib import sha256

    return sha256(text.encode()).hexdigest()


def _with_share_of(resources: Any, containers: Any, percent: int) -> Any:
    """What templates use for an agent's resources as a share of the application's, see `quantities.with_share_of`."""
    from sidecar_plugin.kubernetes.quantities import with_share_of

    return with_share_of(resources, containers, percent)
