"""Signals, other runs and changes in the midst of writing: all of the files are changed or none, and nothing is left behind."""

import json
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from sidecar_plugin.errors import UsageError
from sidecar_plugin.runtime.atomic_write import Replacement, replace_files
from tests.faults.process import POD, SETTINGS, no_surprise

PROGRAM = Path(sys.executable).parent / "sidecar-plugin"
COUNT = 150
ENDING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def prepare(folder: Path) -> list[str]:
    """Make a folder of pods; return the command that injects into it."""
    (folder / "settings.yaml").write_text(SETTINGS)
    (folder / "pods").mkdir(exist_ok=True)
    for number in range(COUNT):
        (folder / "pods" / f"{number:04}.yaml").write_text(POD)
    words = ["inject", "--in-place", "--report", "none", "--config", "settings.yaml", "pods"]
    return [str(PROGRAM), *words]


def changed(folder: Path) -> int:
    """Return how many pods have the agent; there is nothing else in the folder."""
    names = os.listdir(folder / "pods")
    assert len(names) == COUNT
    return sum("name: agent" in (folder / "pods" / name).read_text() for name in names)


def start(command: list[str], folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def start_writing(folder: Path) -> "subprocess.Popen[str]":
    """Start a run, and return when it has read the pods and gets its settings, from a FIFO; what comes then is mostly writing.

    Earlier a signal may meet Python as it starts, which has a traceback of its own for SIGINT.
    """
    settings = folder / "settings"
    if not settings.exists():
        os.mkfifo(settings)
    process = start([str(PROGRAM), "inject", "--in-place", "--report", "none", "--config", "settings", "pods"], folder)
    settings.write_text(SETTINGS)
    return process


@pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)
def test_a_signal_in_the_midst_of_writing_changes_all_files_or_none(number: signal.Signals, tmp_path: Path) -> None:
    prepare(tmp_path)
    process = start_writing(tmp_path)
    begun = time.monotonic()
    assert process.wait() == 0
    duration = time.monotonic() - begun
    ends = set()
    for part in range(10):
        prepare(tmp_path)
        process = start_writing(tmp_path)
        time.sleep(duration * 0.1 * part)
        process.send_signal(number)
        _, said = process.communicate(timeout=20)
        assert process.returncode in (-number, 0)
        assert changed(tmp_path) in (0, COUNT)
        assert changed(tmp_path) == COUNT or process.returncode == -number
        no_surprise(said)
        ends.add(process.returncode)
    assert -number in ends


NEW = {"a": "new", "folder": "", "folder/b": "new"}


@pytest.mark.parametrize(
    ("work", "may_leave"), [("folder", [{}]), ("files", [{}, {"a": ""}, {"a": "old"}, NEW])], ids=["folder", "files"]
)
def test_a_signal_at_each_step_leaves_nothing_behind(work: str, may_leave: list[dict[str, str]], tmp_path: Path) -> None:
    """The work of `files` begins with writing the old file. Thousands of steps take memory, where no disk is waited for."""
    with TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else tmp_path) as folder:
        command = [sys.executable, "-m", "tests.faults.steps", work, folder]
        done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    ends = json.loads(done.stdout)
    assert len(ends) > 200
    assert ends[-1] == [0, may_leave[-1]]
    assert {status for status, _ in ends[:-1]} == {-signal.SIGTERM}
    assert all(left in may_leave for _, left in ends)
    assert all(may in [left for _, left in ends] for may in (may_leave[0], may_leave[-1]))


def test_a_signal_that_nobody_listens_to_is_not_heard(tmp_path: Path) -> None:
    """As under nohup, and for jobs that a shell runs behind `&`."""
    command = prepare(tmp_path)
    process = start(["sh", "-c", 'trap "" HUP INT; exec "$@"', "sh", *command], tmp_path)
    for _ in range(20):
        time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGHUP)
    assert process.communicate(timeout=20)[1] == ""
    assert (process.returncode, changed(tmp_path)) == (0, COUNT)


@pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)
@pytest.mark.parametrize(
    "words", [["--report", "none"], ["inject", "-"], ["uninject", "-"]], ids=["filter", "inject", "uninject"]
)
def test_a_signal_ends_the_filter_without_a_word(words: list[str], number: signal.Signals, tmp_path: Path) -> None:
    process = start([str(PROGRAM), *words], tmp_path)
    assert process.stdin is not None
    process.stdin.write("#" * 300_000)  # more than a pipe takes: it reads by then
    process.stdin.flush()
    process.send_signal(number)
    assert process.communicate(timeout=20) == ("", "")
    assert process.returncode == -number


def test_two_runs_at_once_leave_whole_files(tmp_path: Path) -> None:
    """One of them may be told that files have changed since it read them."""
    command = prepare(tmp_path)
    for _ in range(3):
        runs = [start(command, tmp_path) for _ in range(3)]
        said = [run.communicate(timeout=60)[1] for run in runs]
        statuses = [run.returncode for run in runs]
        assert set(statuses) <= {0, 2}
        assert 0 in statuses
        assert all("has changed since it was read" in words for words, status in zip(said, statuses, strict=True) if status)
        assert changed(tmp_path) == COUNT
        prepare(tmp_path)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("change", ["changed", "gone", "replaced"])
@pytest.mark.parametrize("when", ["before it is written", "behind that"])
def test_a_file_that_changes_meanwhile_stays_and_so_do_the_others(change: str, when: str, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in "abc"]
    for path in paths:
        path.write_text("old")

    def somebody_else() -> None:
        if change == "changed":
            paths[1].write_text("theirs")
        elif change == "gone":
            paths[1].unlink()
        else:
            (tmp_path / "theirs").write_text("theirs")
            (tmp_path / "theirs").replace(paths[1])

    def replacements() -> Iterator[Replacement]:
        for path in paths:
            if path.name == ("b" if when == "before it is written" else "c"):
                somebody_else()
            yield Replacement(path, b"new", b"old")

    with pytest.raises(UsageError, match="b: has changed since it was read; run the command again"):
        replace_files(replacements())
    theirs = {} if change == "gone" else {"b": b"theirs"}
    assert contents(tmp_path) == {"a": b"old", **theirs, "c": b"old"}


def test_what_was_replaced_is_put_back_when_a_later_one_cannot_be(tmp_path: Path) -> None:
    """A scratch file that somebody removes stands for a disk that fails while files are replaced."""
    paths = [tmp_path / name for name in "abc"]
    for path in paths[:2]:
        path.write_text("old")
    inodes = [path.stat().st_ino for path in paths[:2]]

    def replacements() -> Iterator[Replacement]:
        yield Replacement(paths[0], b"new", b"old")
        yield Replacement(tmp_path / "new" / "d", b"new")
        yield Replacement(paths[1], b"new", b"old")
        yield Replacement(tmp_path / "e" / ("n" * 200), b"new")
        for scratch in (tmp_path / "e").iterdir():
            scratch.unlink()

    with pytest.raises(UsageError, match="No such file or directory"):
        replace_files(replacements())
    assert [path.read_bytes() for path in paths[:2]] == [b"old", b"old"]
    assert [path.stat().st_ino for path in paths[:2]] == inodes
    assert not (tmp_path / "new").exists()


def test_extended_attributes_and_access_control_lists_stay(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o640)
    # acl(5) as the kernel keeps it: version 2, then tag, permissions, id: user rw, user 12345 r, group r, mask r, others none
    entries = [(1, 6, 0xFFFFFFFF), (2, 4, 12345), (4, 4, 0xFFFFFFFF), (16, 4, 0xFFFFFFFF), (32, 0, 0xFFFFFFFF)]
    wanted = {
        "user.origin": b"chart",
        "system.posix_acl_access": struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *each) for each in entries),
    }
    for name, value in wanted.items():
        try:
            os.setxattr(path, name, value)
        except OSError as error:
            pytest.skip(f"this file system has no {name}: {error.strerror}")
    replace_files([Replacement(path, b"new")])
    assert path.read_bytes() == b"new"
    assert {name: os.getxattr(path, name) for name in os.listxattr(path)} == wanted
    assert path.stat().st_mode & 0o777 == 0o640


def test_nobody_reads_along_while_a_secret_is_written(tmp_path: Path) -> None:
    path = tmp_path / "secret.yaml"
    path.write_text("old")
    path.chmod(0o600)

    def replacements() -> Iterator[Replacement]:
        yield Replacement(path, b"new")
        modes = [each.stat().st_mode & 0o777 for each in tmp_path.iterdir() if each.name.startswith(".sidecar-plugin-")]
        assert modes == [0o600]

    replace_files(replacements())
