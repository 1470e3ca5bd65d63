"""Standard input, output and error, and text that is safe to write there."""

import json
import re
import sys
from contextlib import suppress
from typing import Any

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


def json_text(data: Any, indent: int | None = None) -> str:
    """Return data as JSON in which every character that could steer a terminal is an escape of JSON's own."""
    text = json.dumps(data, ensure_ascii=False, indent=indent)
    text = text.replace("##", "#\\u0023")  # `##[error]` is a command to CI services
    if text.isascii() and "\x7f" not in text:
        return text
    return _NOT_ASCII.sub(lambda found: found[0] if visible(found[0]) == found[0] else _json_escape(found[0]), text)


_NOT_ASCII = re.compile(r"[^\n -~]")


def _json_escape(character: str) -> str:
    return json.dumps(character)[1:-1] if ord(character) != 0x7F else "\\u007f"
