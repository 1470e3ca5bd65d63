"""What a person at a terminal sees: colour in differences, progress over many files, help, and completion."""

import fcntl
import os
import pty
import shutil
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from sidecar_plugin.commands import MODULES
from sidecar_plugin.commands.completion import SHELLS, script, whole_parser
from sidecar_plugin.runtime import progress
from sidecar_plugin.runtime.diff import Side, unified

PROGRAM = Path(sys.executable).parent / "sidecar-plugin"
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - name: web\n    image: web:1\n"
SETTINGS = ("--set", "clusterVersion=1.30,agents.logging.enabled=true")


def at_a_terminal(folder: Path, *words: str, **environment: str) -> tuple[str, str]:
    """Run the program with both outputs on a terminal each, and return what is written to them."""
    ends = [pty.openpty() for _ in range(2)]
    process = subprocess.Popen(
        [PROGRAM, *words], cwd=folder, stdout=ends[0][1], stderr=ends[1][1], env={**os.environ, "TERM": "xterm", **environment}
    )
    written = []
    for reader, writer in ends:
        os.close(writer)
        data = b""
        try:
            while piece := os.read(reader, 65536):
                data += piece
        except OSError:  # Linux: the other end is closed
            pass
        os.close(reader)
        written.append(data.decode().replace("\r\n", "\n"))
    assert process.wait() == 0, written[1]
    return written[0], written[1]


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    (tmp_path / "manifests").mkdir()
    for number in range(3):
        (tmp_path / "manifests" / f"{number}.yaml").write_text(POD)
    return tmp_path


def test_a_difference_is_in_colour_on_a_terminal(manifests: Path) -> None:
    shown, _ = at_a_terminal(manifests, "inject", "--diff", *SETTINGS, "manifests")
    assert "\x1b[1m--- a/manifests/0.yaml\x1b[m\n\x1b[1m+++ b/manifests/0.yaml\x1b[m\n\x1b[36m@@ " in shown
    assert "\x1b[32m+  - name: logging\x1b[m\n" in shown


@pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_a_difference_is_plain_where_the_user_wants_no_colour(manifests: Path, variable: dict[str, str]) -> None:
    shown, _ = at_a_terminal(manifests, "inject", "--diff", *SETTINGS, "manifests", **variable)
    assert "\n+  - name: logging\n" in shown
    assert "\x1b" not in shown


def test_a_difference_in_a_pipe_is_a_patch(manifests: Path) -> None:
    done = subprocess.run([PROGRAM, "inject", "--diff", *SETTINGS, "manifests"], cwd=manifests, capture_output=True, check=True)
    assert b"\x1b" not in done.stdout
    subprocess.run(["git", "apply", "-p1"], input=done.stdout, cwd=manifests, check=True, capture_output=True)
    assert "- name: logging" in (manifests / "manifests" / "0.yaml").read_text()


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False), ({"FORCE_COLOR": ""}, False)],
    ids=str,
)
def test_a_difference_is_in_colour_where_ci_asks_for_it(manifests: Path, variables: dict[str, str], coloured: bool) -> None:
    command = [PROGRAM, "inject", "--diff", *SETTINGS, "manifests"]
    done = subprocess.run(command, cwd=manifests, env={**os.environ, **variables}, capture_output=True, check=True)
    assert (b"\x1b[32m+  - name: logging\x1b[m\n" in done.stdout) is coloured
    assert (b"\x1b" in done.stdout) is coloured


def test_removed_lines_that_look_like_headers_are_not_taken_for_some() -> None:
    assert unified(Side("a", "-- x\n"), Side("b", "")) == "--- a\n+++ b\n@@ -1 +0,0 @@\n--- x\n"


def test_progress_is_shown_on_a_terminal_and_gone_at_the_end(manifests: Path) -> None:
    code = (
        "import sys; from sidecar_plugin.runtime import progress; from sidecar_plugin.frontends import cli; "
        "progress.DELAY = 0; "
        f"sys.exit(cli.main({['inject', *SETTINGS, 'manifests']}))"
    )
    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    done = subprocess.Popen([sys.executable, "-c", code], cwd=manifests, stdout=subprocess.DEVNULL, stderr=writer)
    os.close(writer)
    data = b""
    try:
        while piece := os.read(reader, 65536):
            data += piece
    except OSError:
        pass
    assert done.wait() == 0
    assert b"injecting:" in data
    assert b"3" in data
    *_, last, reads, sends = data.splitlines()
    assert last == b"Pod/web   logging  native"
    assert (reads[:15], sends[:15]) == (b"logging: reads ", b"logging: sends ")


def test_progress_is_not_for_pipes(manifests: Path) -> None:
    done = subprocess.run([PROGRAM, "inject", *SETTINGS, "manifests"], cwd=manifests, capture_output=True, check=True)
    assert b"\r" not in done.stderr
    assert progress.with_progress([1, 2]) == [1, 2]


def test_a_short_run_says_nothing_of_progress(manifests: Path) -> None:
    _, said = at_a_terminal(manifests, "inject", *SETTINGS, "manifests", "--output-dir", "out")
    assert "injecting" not in said


@pytest.mark.parametrize("command", ["", *MODULES])
def test_help_is_told_in_lines_that_fit(command: str) -> None:
    words = [command] if command else []
    done = subprocess.run([PROGRAM, *words, "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: ")
    assert max(map(len, done.stdout.splitlines())) <= 128


def test_every_command_and_option_is_completed() -> None:
    parser = whole_parser()
    below = next(action for action in parser._actions if isinstance(action.choices, dict))
    assert set(below.choices) == set(MODULES)
    for shell in SHELLS:
        text = script(shell)
        for word in (*MODULES, "cluster-version", "output-dir", "sidecar-key"):
            assert word in text, (shell, word)


def completed_by_bash(folder: Path, line: str) -> set[str]:
    """Return what bash completes the line to: its completion function run as readline runs it."""
    (folder / "completion").write_text(script("bash"))
    code = f"""
        . ./completion
        COMP_WORDS=({line} ''); [[ '{line}' == *' ' ]] || COMP_WORDS=({line})
        COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        $(complete -p sidecar-plugin | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("sidecar-plugin un", {"uninject"}),
        ("sidecar-plugin inject --out", {"--output-dir"}),
        ("sidecar-plugin inject --report ", {"text", "json", "none"}),
        ("sidecar-plugin completion z", {"zsh"}),
        ("sidecar-plugin helm up", {"upgrade"}),
    ],
)
def test_bash_completes(tmp_path: Path, line: str, words: set[str]) -> None:
    assert completed_by_bash(tmp_path, line) == words


SHELL_CHECKS = [
    pytest.param(shell, options, marks=pytest.mark.shell(shell), id=shell)
    for shell, options in (("bash", ["-n"]), ("zsh", ["-n"]), ("fish", ["--no-execute"]))
]


@pytest.mark.parametrize(("shell", "options"), SHELL_CHECKS)
def test_the_shell_reads_its_script(tmp_path: Path, shell: str, options: list[str]) -> None:
    program = shutil.which(shell)
    assert program, f"{shell} is missing: apt-get install {shell}"
    (tmp_path / "completion").write_text(script(shell))
    done = subprocess.run([program, *options, "completion"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.shell("fish")
def test_fish_completes(tmp_path: Path) -> None:
    (tmp_path / "completion").write_text(script("fish"))
    code = "source completion; complete --do-complete 'sidecar-plugin un'"
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run(["fish", "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["uninject"]
