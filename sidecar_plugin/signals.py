"""Signals that end the program, where something has to be taken away first or must not be left half done.

Elsewhere they end the process as they end any other, at once and without a word; `program` sees to that for SIGINT, for which
Python would print a traceback.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class _Ended(BaseException):
    """A signal that came within `tidily`; no `except Exception` is to swallow it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def tidily() -> Iterator[None]:
    """Let a signal end the block by an exception, so that every `finally` in it is run; the process then ends by the signal.

    A second signal is not heard while the first one's cleaning up is done.
    """

    def end(number: int, _: FrameType | None) -> None:
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        raise _Ended(number)

    before: dict[int, Any] = {}
    try:
        _set(end, before)
        yield
    except _Ended as ended:
        _restore(before)
        os.kill(os.getpid(), ended.number)
        raise SystemExit(128 + ended.number) from None  # somebody listens to it and goes on
    finally:
        _restore(before)


@contextmanager
def put_off() -> Iterator[None]:
    """Let signals that come within the block end it, or end the process, only when it is through."""

    def note(number: int, _: FrameType | None) -> None:
        noted.append(number)

    noted: list[int] = []
    before: dict[int, Any] = {}
    try:
        _set(note, before)
        yield
    finally:
        _restore(before)
        for number in noted[:1]:
            os.kill(os.getpid(), number)


def _set(handler: Callable[[int, FrameType | None], None], before: dict[int, Any]) -> None:
    """Set the handler for signals that somebody listens to; one that is ignored (nohup) stays so."""
    for number in ENDING:
        was = signal.getsignal(number)
        if was not in (signal.SIG_IGN, None):
            before[number] = was
            signal.signal(number, handler)


def _restore(before: dict[int, Any]) -> None:
    for number, was in before.items():
        signal.signal(number, was)
