"""Signals that end the program, where something has to be taken away first or must not be left half done.

Elsewhere they end the process as they end any other, at once and without a word; `program` sees to that for SIGINT, for which
Python would print a traceback.

No handler unwinds the program by an exception: between any two steps it may come before what it is to undo is known, or where
Python only prints it (in `__del__`, in callbacks of weak references).
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextmanager
def tidily(take_away: Callable[[], None]) -> Iterator[None]:
    """Call `take_away` behind the block, whatever ends it. A signal has it called at once, and ends the process there.

    What the block was at is then neither finished nor unwound: `take_away` must do with any state of it, also with none.
    """
    owner = os.getpid()
    noted: list[int] = []
    working = True
    before: dict[int, Any] = {}

    def end(number: int, _: FrameType | None) -> None:
        nonlocal working
        if not working:
            noted.append(number)
            return
        working = False
        try:
            if os.getpid() == owner:  # what was forked from this process takes nothing away
                take_away()
        finally:
            _restore(before)
            os.kill(os.getpid(), number)
        raise SystemExit(128 + number)  # somebody listens to the signal and goes on

    try:
        _set(end, before)
        yield
    finally:
        working = False
        try:
            take_away()
        finally:
            _restore(before)
            _send_first(noted)


@contextmanager
def put_off() -> Iterator[None]:
    """Let signals that come within the block end the process, or go where they went before, only when it is through."""
    noted: list[int] = []
    try:
        with passed_on(noted.append):
            yield
    finally:
        _send_first(noted)


@contextmanager
def passed_on(send: Callable[[int], None]) -> Iterator[None]:
    """Hand signals that come within the block to `send` instead."""
    before: dict[int, Any] = {}
    try:
        _set(lambda number, _: send(number), before)
        yield
    finally:
        _restore(before)


def _set(handler: Callable[[int, FrameType | None], None], before: dict[int, Any]) -> None:
    """Set the handler for signals that somebody listens to; one that is ignored (nohup) stays so."""
    for number in ENDING:
        was = signal.getsignal(number)
        if was not in (signal.SIG_IGN, None):
            before[number] = was
            signal.signal(number, handler)


def _restore(before: dict[int, Any]) -> None:
    """Set the handlers that were there before."""
    for number, was in before.items():
        signal.signal(number, was)


def _send_first(noted: list[int]) -> None:
    """Send this process the first of the signals that were taken note of."""
    for number in noted[:1]:
        os.kill(os.getpid(), number)
