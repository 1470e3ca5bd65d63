"""Signals that end the program, where something must be removed first or must not be left half done.

Elsewhere a signal ends the process at once, as it ends any other; `program` sets this for SIGINT, for which Python would print
a traceback.

No handler raises an exception to unwind the program. An exception can come before it is known what to undo, or where Python
only prints it (in `__del__`, in callbacks of weak references).
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextmanager
def with_cleanup(cleanup: Callable[[], None]) -> Iterator[None]:
    """Run `cleanup` when the block exits. On a signal, run it at once and send the signal again, which ends the process.

    The block is then neither finished nor unwound, so `cleanup` must work in any state of the block, also before its start.
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
            if os.getpid() == owner:  # a fork of this process removes nothing
                cleanup()
        finally:
            _restore(before)
            os.kill(os.getpid(), number)
        raise SystemExit(128 + number)  # a handler took the signal, and the process goes on

    try:
        _set(end, before)
        yield
    finally:
        working = False
        try:
            cleanup()
        finally:
            _restore(before)
            _send_first(noted)


@contextmanager
def deferred() -> Iterator[None]:
    """Defer signals that come within the block until it ends: then they end the process, or reach the handler of before."""
    noted: list[int] = []
    try:
        with forwarded(noted.append):
            yield
    finally:
        _send_first(noted)


@contextmanager
def forwarded(send: Callable[[int], None]) -> Iterator[None]:
    """Forward signals that come within the block to `send`."""
    before: dict[int, Any] = {}
    try:
        _set(lambda number, _: send(number), before)
        yield
    finally:
        _restore(before)


def _set(handler: Callable[[int, FrameType | None], None], before: dict[int, Any]) -> None:
    """Set the handler for all signals that are not ignored; one that is ignored (nohup) stays so."""
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
    """Send this process the first of the signals that were noted."""
    for number in noted[:1]:
        os.kill(os.getpid(), number)
