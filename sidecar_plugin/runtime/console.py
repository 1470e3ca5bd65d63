"""TODO."""

import sys
from contextlib import suppress

from sidecar_plugin.errors import UsageError, visible


def write(*pieces: bytes) -> None:
    """Write the output. Raises UsageError if that cannot be, BrokenPipeError if whoever read it has gone."""
    if sys.stdout is None:
        raise UsageError("there is no standard output to write to (it is closed)")
    try:
        sys.stdout.buffer.writelines(pieces)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError(f"standard output: {error.strerror or error}") from None


def say(text: str) -> None:
    """Tell the user something beside the output, if there is a way to: a report that nobody can read is no reason to fail."""
    if sys.stderr is None:
        return
    with suppress(OSError):
        sys.stderr.write(visible(text))
        sys.stderr.flush()


STDIN = "<stdin>"


def read_stdin() -> bytes:
    """Return what stands on standard input. Raises UsageError if it cannot be read."""
    if sys.stdin is None:
        raise UsageError("there is no stdin to read (it is closed)")
    try:
        return sys.stdin.buffer.read()
    except OSError as error:
        raise UsageError(f"{STDIN}: {error.strerror or error}") from None
