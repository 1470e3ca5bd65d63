"""A signal at each step of a work: `python -m tests.faults.steps WORK FOLDER` prints how each ended, as JSON.

A step is a bytecode instruction where files are replaced and signals handled, a line of what else Python runs. The signal is
raised at the step itself, also where Python would look for signals only some steps later.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from sidecar_plugin.runtime.atomic_write import Replacement, replace_files
from sidecar_plugin.runtime.signals import with_cleanup


class Held:
    """What runs code of its own at its end, in which Python prints an exception and goes on."""

    def __del__(self) -> None:
        str(self)


def with_a_folder(root: Path) -> None:
    """Work in a folder that is not to be left, as `helm sidecar` does."""
    folder = root / "sidecar-plugin-run"

    def cleanup() -> None:
        if folder.exists():
            shutil.rmtree(folder)

    with with_cleanup(cleanup):
        folder.mkdir()
        Held()
        (folder / "values").write_text("secret")


def with_files(root: Path) -> None:
    """Replace a file, and make one in a new folder."""
    (root / "a").write_text("old")
    replace_files([Replacement(root / "a", b"new"), Replacement(root / "folder" / "b", b"new")])


WORKS = {"folder": with_a_folder, "files": with_files}


def by_instruction(frame: FrameType) -> bool:
    """Say whether it is code that replaces files or handles signals, or contextlib's on behalf of such."""
    file = frame.f_code.co_filename
    if file.endswith("contextlib.py"):
        generator = getattr(frame.f_locals.get("self"), "gen", None)
        return generator is not None and generator.gi_code.co_filename.endswith("runtime/signals.py")
    return file.endswith(("runtime/atomic_write.py", "runtime/signals.py", "tests/faults/steps.py"))


def send_at(step: int) -> None:
    """Have SIGTERM come at that step of what follows."""
    seen = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal seen
        frame.f_trace_opcodes = by_instruction(frame)
        if event == ("opcode" if frame.f_trace_opcodes else "line"):
            seen += 1
            if seen == step:
                sys.settrace(None)
                os.kill(os.getpid(), signal.SIGTERM)
        return trace

    sys.settrace(trace)


def end_at(step: int, work: Callable[[Path], None], root: Path) -> tuple[int, dict[str, str]]:
    """Return the status of a process whose work met the signal at that step, and the files that it left."""
    root.mkdir()
    os.chdir(root)
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            send_at(step)
            work(Path())
            status = 0
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    left = {str(path.relative_to(root)): path.read_text() if path.is_file() else "" for path in root.rglob("*")}
    shutil.rmtree(root)
    return status, left


def main(name: str, folder: str) -> None:
    """Print the ends, up to the first that met no signal."""
    ends = [end_at(1, WORKS[name], Path(folder, "root"))]
    while ends[-1][0] != 0:
        ends.append(end_at(len(ends) + 1, WORKS[name], Path(folder, "root")))
    json.dump(ends, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
