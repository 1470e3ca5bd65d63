"""The program does with any answer of the process of templates, and with none: code of others may run in it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sidecar_plugin.agents import sandbox_process
from sidecar_plugin.agents.protocol import RenderError
from tests.agents.test_sandbox import wait_for_the_end

SEEN = b', "reads": []}\n'
ANSWERS = {
    "nothing": b"",
    "text": b"x\n",
    "no object": b"[]\n",
    "an empty object": b"{}\n",
    "no result": b'{"reads": []}\n',
    "another type": b'{"result": {"a": 1}' + SEEN,
    "a number": b'{"result": 1' + SEEN,
    "fields that are none": b'{"result": "x", "reads": [1]}\n',
    "an error that is none": b'{"error": 1' + SEEN,
    "an error of other types": b'{"error": [1, 2, "3"]' + SEEN,
    "nested deep": b'{"result": ' + b"[" * 200_000 + SEEN,
    "two answers": b'{"result": "x"' + SEEN + b'{"result": "x"' + SEEN,
    "too much": b"x" * (sandbox_process.MAX_ANSWER + 1),
    "bytes": b"\xff\xfe\n",
    "a number too long": b'{"result": ' + b"9" * 10_000 + SEEN,
}
AS_IF_ESCAPED = """
import os, sys, time
sys.path[:] = sys.argv[4:]
questions, answers = map(int, sys.argv[1:3])
"""


def asking(kind: str) -> list[Any]:
    """A question, larger than what a pipe takes."""
    return {"compile": ["compile", {"t": "x" * 200_000}, {"t": "t"}, "t"], "schema": ["schema", "{}" + " " * 200_000, {}]}.get(
        kind, [kind, 0, {"a": "x" * 200_000}]
    )


def refused(monkeypatch: pytest.MonkeyPatch, program: str, kind: str) -> str:
    """Return the message for a process that runs this program; it must be gone then."""
    monkeypatch.setattr(sandbox_process, "_PROGRAM", AS_IF_ESCAPED + program)
    sandbox_process.stop()
    process = sandbox_process._process(is_built_in=False)
    assert isinstance(process, sandbox_process._Process)
    with pytest.raises(RenderError) as caught:
        process.ask(asking(kind))
    assert not Path(f"/proc/{process.pid}").exists()
    assert sandbox_process._Run.process is None
    return caught.value.message


@pytest.mark.parametrize("kind", ["compile", "render", "schema"])
@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_that_is_none_is_refused(answer: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "answer").write_bytes(ANSWERS[answer])
    program = (
        "while not os.read(questions, 1 << 16).endswith(b'\\n'): pass\n"
        f"with open(answers, 'wb') as file: file.write(open({str(tmp_path / 'answer')!r}, 'rb').read())\n"
    )
    refused(monkeypatch, program, kind)


@pytest.mark.parametrize(
    "program",
    ["time.sleep(999)", "os.read(questions, 9); time.sleep(999)", "os.write(answers, b'{'); time.sleep(999)"],
    ids=["reads nothing", "reads a part", "says a part"],
)
def test_a_process_that_does_not_answer_is_ended(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_process, "MAX_WAIT", 1)
    assert "waiting for more than 1 s" in refused(monkeypatch, program, "render")


def test_a_process_that_closes_its_pipes_and_stays_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_process, "LAST_WORDS", 0.2)
    assert "SIGKILL" in refused(monkeypatch, "os.close(questions); os.close(answers); time.sleep(999)", "render")


def test_a_process_that_heeds_no_end_goes_with_the_program() -> None:
    """The program ends without a word to it."""
    escaped = AS_IF_ESCAPED + (
        "from sidecar_plugin.agents.seccomp import end_with_parent\n"
        "end_with_parent(); os.write(answers, b'x'); time.sleep(999)\n"
    )
    code = (
        "import os; from sidecar_plugin.agents import sandbox_process as s\n"
        f"s._PROGRAM = {escaped!r}; p = s._process(is_built_in=False); os.read(p._answers, 1)\n"
        "print(p.pid, flush=True); os._exit(0)"
    )
    done = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, check=True)
    wait_for_the_end(int(done.stdout))
