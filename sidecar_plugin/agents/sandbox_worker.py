"""The process that templates of the user's own are rendered in.

A template that finds a way out of Jinja2's sandbox, and one that keeps Python's own code busy where no signal is looked at, is
still in a process that has no environment, can open no file and no connection, may hold so much memory and compute so long, and
is not the one that writes manifests. It is forked when the first such template has to be rendered and serves the rest of the
run; it speaks JSON, so that nothing it answers can be more than data. The built-in templates need none of this and save the way
there and back. Where a system cannot fork (Windows) a template of your own is trusted as far as they are.
"""

import atexit
import contextlib
import errno
import json
import os
import signal
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

from sidecar_plugin.agents import sandbox
from sidecar_plugin.agents.sandbox import MAX_SECONDS, RenderError, Watched

if TYPE_CHECKING:
    from jinja2 import Template

MAX_MEMORY = 512 * 1024 * 1024  # bytes beyond what the process has when it begins
_LAST_SECONDS = MAX_SECONDS + 1  # the system ends the process, if it did not end the template
_ERRORS = {signal.SIGVTALRM: f"the template takes longer than {MAX_SECONDS:g} s"} if hasattr(signal, "SIGVTALRM") else {}

_IMPORTED_LATE = ("encodings.unicode_escape", "hashlib", "jinja2.debug", "sidecar_plugin.kubernetes.quantities", "textwrap")
"""What Jinja2 and the filters import when it is needed: then the process can open files no more."""


class Templates:
    """The templates of one agent, compiled."""

    __slots__ = ("_files", "_is_built_in", "_number", "_paths", "_process", "_start", "uses_workload")

    def __init__(self, files: Mapping[str, str], paths: Mapping[str, str], start: str, *, is_built_in: bool) -> None:
        """Compile the template `start` of the files, which messages call by their `paths`. Raises RenderError."""
        self._is_built_in = is_built_in
        self._files = files
        self._paths = paths
        self._start = start
        self._compile()

    def _compile(self) -> None:
        self._process = _process(self._is_built_in)
        self._number, self.uses_workload = self._process.ask(["compile", dict(self._files), dict(self._paths), self._start])

    def render(self, context: Mapping[str, Any]) -> str:
        """Return what the template renders to. Raises RenderError."""
        if self._process is not _process(self._is_built_in):
            self._compile()
        workload = context.get("workload")
        watched = workload if isinstance(workload, Watched) else None
        text: str = self._process.ask(["render" if watched is None else "watch", self._number, context], watched)
        return text


class _Server:
    """What answers, in the process of the templates."""

    def __init__(self) -> None:
        self._compiled: list[tuple[Template, frozenset[str]]] = []
        self.watched: Watched | None = None

    def ask(self, question: list[Any], watched: Watched | None = None) -> Any:
        """Return the answer. Raises RenderError. What is looked at of a workload that is `watched` stands in its `seen`."""
        self.watched = watched
        if question[0] == "compile":
            _, files, paths, start = question
            self._compiled.append((sandbox.compile_template(files, paths, start), frozenset(paths.values())))
            return [len(self._compiled) - 1, sandbox.looks_at(files, "workload")]
        kind, number, context = question
        if kind == "watch" and watched is None:
            context["workload"] = self.watched = Watched(context["workload"])
        template, named = self._compiled[number]
        return sandbox.render(template, context, named)


class _Process:
    """The process of the templates, as the program sees it."""

    def __init__(self, pid: int, questions: BinaryIO, answers: BinaryIO) -> None:
        self._pid = pid
        self._questions = questions
        self._answers = answers
        self._owner = os.getpid()
        atexit.register(self.close)

    def ask(self, question: list[Any], watched: Watched | None = None) -> Any:
        """Return the answer. Raises RenderError, also for a process that came to its end over the question.

        What is looked at of a workload that is `watched` is added to its `seen`.
        """
        line = b""
        with contextlib.suppress(BrokenPipeError):
            self._questions.write(json.dumps(question).encode() + b"\n")
            self._questions.flush()
            line = self._answers.readline()
        if not line.endswith(b"\n"):
            raise RenderError(self._end())
        answer = json.loads(line)
        if watched is not None:
            watched.seen.update(answer["seen"])
        if "error" in answer:
            raise RenderError(*answer["error"])
        return answer["result"]

    def _end(self) -> str:
        """Return what ended the process."""
        global _running
        _running = None
        status = self.close()
        if not os.WIFSIGNALED(status):
            return f"the process that renders templates ended with {os.WEXITSTATUS(status)}"
        name = signal.Signals(os.WTERMSIG(status))
        return _ERRORS.get(name, f"the template made the process that renders it end by {name.name}")

    def close(self) -> int:
        """End the process and return its status; it ends when nobody can ask any more."""
        atexit.unregister(self.close)
        if os.getpid() != self._owner:
            return 0  # a fork of the program: the process is not its own
        with contextlib.suppress(BrokenPipeError):
            self._questions.close()
        self._answers.close()
        with contextlib.suppress(ChildProcessError):  # of a program that was started with SIGCHLD ignored
            return os.waitpid(self._pid, 0)[1]
        return 0


_running: _Process | None = None
_here = _Server()


def _process(is_built_in: bool) -> _Process | _Server:
    global _running
    if is_built_in or not hasattr(os, "fork"):
        return _here
    if _running is None or _running._owner != os.getpid():
        _running = _start()
    return _running


def _start() -> _Process:
    """Return a process that has been started. Raises RenderError if the system has none for us."""
    pipes = list[int]()
    try:
        pipes += os.pipe()
        pipes += os.pipe()
        pid = os.fork()
    except OSError as error:
        for end in pipes:
            os.close(end)
        limit = "ulimit -n" if error.errno in (errno.EMFILE, errno.ENFILE) else "ulimit -u, memory"
        raise RenderError(f"the process that renders templates cannot be started: {error.strerror} ({limit})") from None
    question_reader, question_writer, answer_reader, answer_writer = pipes
    if pid == 0:
        try:
            _serve(question_reader, answer_writer)
        finally:
            os._exit(3)
    os.close(question_reader)
    os.close(answer_writer)
    return _Process(pid, os.fdopen(question_writer, "wb"), os.fdopen(answer_reader, "rb"))


def _serve(questions: int, answers: int) -> NoReturn:
    server = _Server()
    with os.fdopen(questions, "rb") as reader, os.fdopen(answers, "wb") as writer:
        try:
            for module in _IMPORTED_LATE:
                import_module(module)
            confine((questions, answers))
        except (OSError, ImportError, MemoryError) as error:
            # Not confined it renders nothing. The first question is read, so that whoever asks is there to read the answer.
            reader.readline()
            what = f"the process that renders templates cannot be confined: {str(error) or 'there is not enough memory'}"
            writer.write(json.dumps({"error": [what, None, None], "seen": []}).encode() + b"\n")
            writer.flush()
            os._exit(3)
        for line in reader:
            signal.setitimer(signal.ITIMER_VIRTUAL, _LAST_SECONDS)
            try:
                answer: dict[str, Any] = {"result": server.ask(json.loads(line))}
            except RenderError as error:
                answer = {"error": [error.message, error.file, error.line]}
            answer["seen"] = sorted(server.watched.seen) if server.watched is not None else []
            writer.write(json.dumps(answer).encode() + b"\n")
            writer.flush()
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    os._exit(0)


def confine(keep: tuple[int, int]) -> None:
    """Give up what a template has no use for: the environment, open files but for two pipes, opening others, more memory.

    An interrupt from the terminal is the program's business; the process ends when nobody can ask any more.
    """
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
    import resource

    held, (_, most) = _held_memory(), resource.getrlimit(resource.RLIMIT_AS)
    if held and (most == resource.RLIM_INFINITY or held + MAX_MEMORY < most):
        resource.setrlimit(resource.RLIMIT_AS, (held + MAX_MEMORY, held + MAX_MEMORY))
    for limit in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE):
        resource.setrlimit(limit, (0, 0))


def _held_memory() -> int:
    """Return the bytes of memory that the process holds, 0 where the system does not tell and has no limit that works."""
    if sys.platform != "linux":
        return 0
    import resource

    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[0]) * resource.getpagesize()
