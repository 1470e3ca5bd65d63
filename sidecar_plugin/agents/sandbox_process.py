"""Templates, compiled and rendered: the built-in ones here, those of the user's own in a process that is confined.

The process is a new Python, so it holds nothing of the run but what it is asked: templates, values and what templates see of a
workload. It is started when the first such template has to be rendered and serves the rest of the run; it speaks JSON, so that
nothing it answers can be more than data. See `sandbox_worker` for what it gives up. Where a system cannot start it (Windows) a
template of your own is trusted as far as the built-in ones are.
"""

import atexit
import contextlib
import errno
import json
import os
import select
import signal
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sidecar_plugin.agents.protocol import MAX_SECONDS, RUN_SECONDS, RenderError, read_answer
from sidecar_plugin.agents.reads import Read
from sidecar_plugin.runtime.json_schema import Problem

if TYPE_CHECKING:
    from sidecar_plugin.agents.sandbox_worker import Server

MAX_ANSWER = 16_000_000  # bytes of JSON
MAX_WAIT = 2 * RUN_SECONDS  # seconds until an answer; the process may compute for RUN_SECONDS in all
LAST_WORDS = 5  # seconds for a process that closes its pipe to end
_PIPE = 1 << 16  # bytes; a pipe takes no more at once
_LIMITS = {
    errno.EMFILE: "ulimit -n", errno.ENFILE: "ulimit -n", errno.EAGAIN: "ulimit -u, memory", errno.ENOMEM: "ulimit -u, memory"
}  # fmt: skip
_PROGRAM = """
import sys
sys.path[:] = sys.argv[4:]
from sidecar_plugin.agents.sandbox_worker import serve
serve(*map(int, sys.argv[1:4]))
"""
_PACKAGE_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


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

    def render(self, context: Mapping[str, Any], reads: set[Read]) -> str:
        """Return what the template renders to; add to `reads` what it reads of the workload. Raises RenderError."""
        if self._process is not _process(self._is_built_in):
            self._compile()
        text: str = self._process.ask(["render", self._number, context], reads)
        return text


def schema_problem(schema: str, values: dict[str, Any]) -> Problem | None:
    """Return the first thing that is wrong with the values by a JSON Schema of the user's own, given as text.

    Raises RenderError for text that is not a JSON Schema, and for one that takes too much time or memory.
    """
    answer = _process(is_built_in=False).ask(["schema", schema, values])
    return None if answer is None else Problem(*answer)


class _Process:
    """The process of the templates, as the program sees it. It may say anything, or nothing: code of others runs in it."""

    def __init__(self, pid: int, questions: int, answers: int) -> None:
        self.pid = pid
        self.owner = os.getpid()
        self._questions = questions
        self._answers = answers
        os.set_blocking(questions, False)

    def ask(self, question: list[Any], reads: set[Read] | None = None) -> Any:
        """Return the answer; add to `reads` what a template reads of the workload.

        Raises RenderError, also when the process ended over the question, or gave no answer to it.
        """
        asked = "schema" if question[0] == "schema" else "template"
        line = b""
        try:
            with contextlib.suppress(BrokenPipeError):
                until = time.monotonic() + MAX_WAIT
                self._send(json.dumps(question).encode() + b"\n", until)
                line = self._receive(until)
        except TimeoutError:
            stop()
            raise RenderError(f"the {asked} keeps the process that renders it waiting for more than {MAX_WAIT} s") from None
        if not line:
            raise RenderError(self._end(asked))
        try:
            answer = read_answer(question[0], line)
        except (ValueError, RecursionError):
            stop()
            raise RenderError(f"the {asked} made the process that renders it answer with what is no answer") from None
        if reads is not None:
            reads.update(answer.reads)
        if answer.error is not None:
            raise answer.error
        return answer.result

    def _send(self, data: bytes, until: float) -> None:
        """Write all data. Raises BrokenPipeError and TimeoutError."""
        left = memoryview(data)
        while left:
            _wait(self._questions, select.POLLOUT, until)
            left = left[os.write(self._questions, left[:_PIPE]) :]

    def _receive(self, until: float) -> bytes:
        """Return a line, nothing if the process ends or says too much. Raises TimeoutError."""
        line = bytearray()
        while not line.endswith(b"\n"):
            _wait(self._answers, select.POLLIN, until)
            piece = os.read(self._answers, 1 << 20)
            line += piece
            if not piece or len(line) > MAX_ANSWER:
                return b""
        return bytes(line)

    def _end(self, asked: str) -> str:
        """End the process, and return the reason it gave no answer."""
        status = stop(LAST_WORDS)
        if not os.WIFSIGNALED(status):
            return f"the process that renders templates ended with {os.WEXITSTATUS(status)}"
        name = signal.Signals(os.WTERMSIG(status))
        if name is signal.SIGVTALRM:
            return f"the {asked} takes longer than {MAX_SECONDS:g} s"
        if name is signal.SIGXCPU:
            return _too_long()
        if name is signal.SIGABRT:
            return f"the {asked} takes too much memory"
        return f"the {asked} made the process that renders it end by {name.name}"

    def close(self, seconds: float) -> tuple[int, float]:
        """Close the pipes, which ends the process, and kill it if it has not ended within these seconds.

        Return its status and the seconds it computed.
        """
        if os.getpid() != self.owner:
            return 0, 0  # a fork of the program: the process is not its own
        os.close(self._questions)
        os.close(self._answers)
        until = time.monotonic() + seconds
        with contextlib.suppress(ChildProcessError):  # of a program that was started with SIGCHLD ignored
            while True:
                pid, status, usage = os.wait4(self.pid, os.WNOHANG)
                if pid:
                    return status, usage.ru_utime + usage.ru_stime
                if time.monotonic() >= until:
                    break
                time.sleep(0.001)
            os.kill(self.pid, signal.SIGKILL)
            _, status, usage = os.wait4(self.pid, 0)
            return status, usage.ru_utime + usage.ru_stime
        return 0, 0


def _wait(descriptor: int, event: int, until: float) -> None:
    """Wait for a pipe. Raises TimeoutError."""
    poll = select.poll()
    poll.register(descriptor, event)
    if not poll.poll(max(0, until - time.monotonic()) * 1000):
        raise TimeoutError


class _Run:
    """The process of this run, and the seconds that the ones before it have computed."""

    process: _Process | None = None
    spent = 0.0
    here: "Server | None" = None


def stop(seconds: float = 0) -> int:
    """End the process if it runs, and return its status; within these seconds it may end by itself."""
    process, _Run.process = _Run.process, None
    if process is None:
        return 0
    atexit.unregister(stop)
    status, seconds = process.close(seconds)
    _Run.spent += seconds
    return status


def new_run() -> None:
    """End the process and forget what it computed: what follows is another run."""
    stop()
    _Run.spent = 0.0


def _process(is_built_in: bool) -> "_Process | Server":
    if is_built_in or not hasattr(os, "posix_spawn"):
        if _Run.here is None:
            from sidecar_plugin.agents.sandbox_worker import Server  # late: imports Jinja2

            _Run.here = Server()
        return _Run.here
    if _Run.process is None or _Run.process.owner != os.getpid():
        _Run.process = _start()
        atexit.register(stop)
    return _Run.process


def _too_long() -> str:
    return f"the templates of this run take longer than {RUN_SECONDS} s together"


def _start() -> _Process:
    """Return a process that has been started. Raises RenderError if the system refuses, or the run has no time left."""
    left = RUN_SECONDS - int(_Run.spent)
    if left <= 0:
        raise RenderError(_too_long())
    pipes = list[int]()
    try:
        pipes += _pipe()
        pipes += _pipe()
        question_reader, question_writer, answer_reader, answer_writer = pipes
        for end in (question_reader, answer_writer):
            os.set_inheritable(end, True)
        folders = [_PACKAGE_ROOT, *(folder for folder in sys.path if folder)]
        flags = ["-I", "-S", *(["-B"] if sys.dont_write_bytecode else [])]
        words = [sys.executable, *flags, "-c", _PROGRAM, str(question_reader), str(answer_writer), str(left), *folders]
        environment = {
            name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ
        }  # Python itself may need it
        pid = os.posix_spawn(sys.executable, words, environment)
    except OSError as error:
        for end in pipes:
            os.close(end)
        limit = _LIMITS.get(error.errno or 0, sys.executable)
        raise RenderError(f"the process that renders templates cannot be started: {error.strerror} ({limit})") from None
    os.close(question_reader)
    os.close(answer_writer)
    return _Process(pid, question_writer, answer_reader)


def _pipe() -> list[int]:
    """Return the ends of a pipe, none of them in place of a standard stream that is closed."""
    import fcntl

    ends = list(os.pipe())
    for index, end in enumerate(ends):
        if end < 3:
            ends[index] = fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 3)
            os.close(end)
    return ends
