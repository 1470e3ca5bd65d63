"""The process that templates of the user's own are rendered in, and their schemas applied.

A template that finds a way out of Jinja2's sandbox, and one that keeps Python's own code busy where no signal is looked at, is
still in a process that has no environment, can open no file and no connection, may hold so much memory and compute so long, can
make no system call but those of memory, signals, time and its two pipes, and is not the one that writes manifests.
"""

import contextlib
import json
import math
import os
import signal
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

from sidecar_plugin.agents import sandbox
from sidecar_plugin.agents.protocol import MAX_SECONDS, RenderError
from sidecar_plugin.agents.reads import Read, Watched, in_order
from sidecar_plugin.runtime.json_schema import Problem, Schema

if TYPE_CHECKING:
    from jinja2 import Template

MAX_MEMORY = 512 * 1024 * 1024  # bytes beyond what the process has when it begins
_LAST_SECONDS = MAX_SECONDS + 1  # the system ends the process, if it did not end the template

_IMPORTED_LATE = (
    "difflib", "encodings.ascii", "encodings.latin_1", "encodings.unicode_escape", "hashlib", "html", "jinja2.debug",
    "jsonschema_rs", "pprint", "sidecar_plugin.kubernetes.quantities", "textwrap", "unicodedata", "urllib.parse",
)  # fmt: skip
"""What Jinja2 and the filters import when it is needed: then the process can open files no more."""


class Server:
    """Compiles and renders templates, and applies schemas."""

    def __init__(self) -> None:
        self._compiled: list[tuple[Template, frozenset[str]]] = []
        self._schemas: dict[str, Schema] = {}

    def ask(self, question: list[Any], reads: set[Read] | None = None) -> Any:
        """Return the answer; add to `reads` what a template reads of the workload. Raises RenderError."""
        if question[0] == "compile":
            _, files, paths, start = question
            self._compiled.append((sandbox.compile_template(files, paths, start), frozenset(paths.values())))
            return [len(self._compiled) - 1, sandbox.looks_at(files, "workload")]
        if question[0] == "schema":
            return self._problem(question[1], question[2])
        _, number, context = question
        if "workload" in context and reads is not None:
            context = {**context, "workload": Watched(context["workload"], reads)}
        template, named = self._compiled[number]
        return sandbox.render(template, context, named)

    def _problem(self, text: str, values: dict[str, Any]) -> Problem | None:
        try:
            if text not in self._schemas:
                self._schemas[text] = Schema("", lambda: json.loads(text))
            return self._schemas[text].problem(values)
        except RecursionError:
            raise RenderError("not a JSON Schema: it is nested too deep") from None
        except MemoryError:
            raise RenderError("the schema takes too much memory") from None
        except ValueError as error:
            raise RenderError(f"not a JSON Schema: {str(error).splitlines()[0]}") from None


def serve(questions: int, answers: int, seconds: int) -> NoReturn:
    """Answer questions until the pipe they come from is closed. `seconds` is what the process may compute in all."""
    server = Server()
    with os.fdopen(questions, "rb") as reader, os.fdopen(answers, "wb") as writer:
        try:
            for module in _IMPORTED_LATE:
                import_module(module)
            confine((questions, answers), seconds)
        except (OSError, ImportError, MemoryError) as error:
            # Not confined it renders nothing. The first question is read, so that whoever asks is there to read the answer.
            reader.readline()
            what = f"the process that renders templates cannot be confined: {str(error) or 'there is not enough memory'}"
            writer.write(json.dumps({"error": [what, None, None], "reads": []}).encode() + b"\n")
            writer.flush()
            os._exit(3)
        for line in reader:
            signal.setitimer(signal.ITIMER_VIRTUAL, _LAST_SECONDS)
            reads: set[Read] = set()
            try:
                answer: dict[str, Any] = {"result": server.ask(json.loads(line), reads)}
            except RenderError as error:
                answer = {"error": [error.message, error.file, error.line]}
            answer["reads"] = in_order(reads)
            writer.write(json.dumps(answer).encode() + b"\n")
            writer.flush()
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        os._exit(0)


def confine(keep: tuple[int, int], seconds: int) -> None:
    """Give up what a template has no use for: the environment, open files but for two pipes, opening others, more memory and
    time, and all system calls that these do not need.

    An interrupt from the terminal is the program's business; the process ends when nobody can ask any more.
    """
    import resource

    from sidecar_plugin.agents.seccomp import end_with_parent, refuse_system_calls  # late: built-in templates need no ctypes

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGVTALRM, signal.SIG_DFL)
    signal.signal(signal.SIGPROF, sandbox.ring)
    os.environ.clear()
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    for name in os.listdir("/dev/fd"):
        if int(name) > 2 and int(name) not in keep:
            with contextlib.suppress(OSError):  # the one that the folder was listed by
                os.close(int(name))
    held, (_, most) = _held_memory(), resource.getrlimit(resource.RLIMIT_AS)
    if held and (most == resource.RLIM_INFINITY or held + MAX_MEMORY < most):
        resource.setrlimit(resource.RLIMIT_AS, (held + MAX_MEMORY, held + MAX_MEMORY))
    usage = resource.getrusage(resource.RUSAGE_SELF)
    last = math.ceil(usage.ru_utime + usage.ru_stime) + seconds
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    if most == resource.RLIM_INFINITY or last + 1 < most:
        resource.setrlimit(resource.RLIMIT_CPU, (last, last + 1))
    for limit in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE):
        resource.setrlimit(limit, (0, 0))
    end_with_parent()
    refuse_system_calls()


def _held_memory() -> int:
    """Return the bytes of memory that the process holds, 0 where the system does not tell and has no limit that works."""
    if sys.platform != "linux":
        return 0
    import resource

    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[0]) * resource.getpagesize()
