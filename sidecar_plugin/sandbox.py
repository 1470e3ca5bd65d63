"""Jinja2 in a sandbox that bounds what a template can reach, how long it runs and how much it holds.

The immutable sandbox (https://jinja.palletsprojects.com/en/stable/sandbox/) keeps a template from Python's objects: no
attribute that starts with an underscore, no files but the agent's own, no name that was not given. What it does not bound is
bounded here: the size of numbers and of what multiplying makes, the output, the time (by an alarm) and the memory (by a limit
of the system). Alarm and limit exist on Unix only; elsewhere a template of your own is trusted that far.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from jinja2 import FunctionLoader, StrictUndefined, Template, TemplateError, TemplateNotFound, UndefinedError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from sidecar_plugin.document.emit import block

MAX_OUTPUT = 1_000_000  # characters; no API server takes a pod that large (1.5 MiB an object)
MAX_SECONDS = 2.0
MAX_MEMORY = 512 * 1024 * 1024  # bytes beyond what the process has when rendering begins
MAX_BITS = 100_000

Load = Callable[[str], tuple[str, str, Callable[[], bool]] | None]


class RenderError(Exception):
    """A template that cannot be compiled or rendered: what is wrong, and the file and line if they are known."""

    def __init__(self, message: str, file: str | None = None, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.line = line


class _TimeUp(BaseException):
    """The alarm; no `except Exception` of a library is to swallow it."""


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset(("**", "*", "%"))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" and _bits(left) * abs(_bits_or(right)) > MAX_BITS:
            raise OverflowError("the power is too large")
        if operator == "*" and (_bits(left) + _bits(right) > MAX_BITS or _length(left, right) > MAX_OUTPUT):
            raise OverflowError("the product is too large")
        if operator == "%" and isinstance(left, str):
            raise TypeError("% does not format here; use ~ and the filter format")
        return super().call_binop(context, operator, left, right)


def _bits(value: Any) -> int:
    return value.bit_length() if isinstance(value, int) else 0


def _bits_or(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _length(left: Any, right: Any) -> int:
    if isinstance(left, int):
        left, right = right, left
    return len(left) * right if isinstance(left, (str, bytes, list, tuple)) and isinstance(right, int) else 0


def compile_template(load: Load, name: str, paths: frozenset[str]) -> Template:
    """Return the template `name` of what `load` gives: text, file and whether it is still current.

    Raises RenderError, for what is wrong in one of the files `paths`.
    """
    environment = _Environment(
        loader=FunctionLoader(load),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    del environment.filters["random"], environment.globals["lipsum"]  # the same input is to give the same output
    environment.globals["fail"] = _fail
    environment.filters["tojson"] = _to_json
    environment.filters["toyaml"] = _to_yaml
    environment.filters["sha256"] = _sha256
    environment.filters["with_share_of"] = _with_share_of
    with _bounded(paths):
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
    """Return what the template renders to. Raises RenderError."""
    pieces, size = [], 0
    with _bounded(paths):
        for piece in template.generate(context):
            size += len(piece)
            if size > MAX_OUTPUT:
                raise RenderError(f"the template renders more than {MAX_OUTPUT} characters")
            pieces.append(piece)
        text = "".join(pieces)
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError as error:
                raise RenderError(f"the template renders half a character, U+{ord(text[error.start]):04X}") from None
        return text


@contextmanager
def _bounded(paths: frozenset[str]) -> Iterator[None]:
    try:
        with _memory_limit(), _alarm():
            yield
    except RenderError:
        raise
    except _TimeUp as error:
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
    import signal
    import threading

    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(*_: Any) -> None:
        raise _TimeUp

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, MAX_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _memory_limit() -> Iterator[None]:
    if sys.platform != "linux":
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = _held_memory() + MAX_MEMORY
    if soft != resource.RLIM_INFINITY and soft < wanted:
        yield
        return
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


_held = (0, 0)  # how often it was asked for, and the bytes that were held then


def _held_memory() -> int:
    """Return the bytes that the process holds, looked up at every 100th call: a stream is rendered a thousand times."""
    global _held
    calls, size = _held
    if calls % 100 == 0:
        import resource

        with open("/proc/self/statm", encoding="ascii") as statm:
            size = int(statm.read().split()[0]) * resource.getpagesize()
    _held = (calls + 1, size)
    return size


def _fail(message: str) -> None:
    """What templates call for values that no schema can refuse: `{{ fail("say why") }}`, as Helm's `fail`."""
    raise UndefinedError(message)


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _to_yaml(value: Any) -> str:
    if isinstance(value, (dict, list)) and value:
        return "\n".join(block(value, 0))
    return _to_json(value)


def _sha256(text: str) -> str:
    from hashlib import sha256

    return sha256(text.encode()).hexdigest()


def _with_share_of(resources: Any, containers: Any, percent: int) -> Any:
    """What templates use for an agent's resources as a share of the application's, see `quantities.with_share_of`."""
    if not percent:
        return resources
    from sidecar_plugin.quantities import with_share_of  # late: it imports fractions, and few settings ask for a share

    return with_share_of(resources, containers, percent)
