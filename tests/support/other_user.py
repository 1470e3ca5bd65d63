"""Another user of the system, who puts links in the place of files and folders while the program runs as root."""

import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sidecar_plugin.errors import UsageError

NOBODY = 65534
NEEDS_ROOT = "only root can be another user"


def give(*paths: Path) -> None:
    """Make the user own files and folders, and let them reach these."""
    for path in paths:
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        for folder in path.parents:
            if folder.stat().st_uid == os.geteuid() and folder != Path("/tmp"):
                folder.chmod(folder.stat().st_mode | 0o011)


@contextmanager
def swapping(name: Path, first: Path, second: Path) -> Iterator[None]:
    """Give a name to two things in turn, as fast as can be, as nobody. All are in one folder."""
    pid = os.fork()
    if pid == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        while True:
            with suppress(OSError):
                os.rename(name, first)
            with suppress(OSError):
                os.rename(second, name)
            time.sleep(0.0002)
            with suppress(OSError):
                os.rename(name, second)
            with suppress(OSError):
                os.rename(first, name)
            time.sleep(random.uniform(0, 0.004))  # else a work of several steps is never done
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def race(least: int, work: Callable[[], object]) -> None:
    """Do a work that may be refused, at least so often, until it was done a few times."""
    done, rounds, until = 0, 0, time.monotonic() + 30
    while rounds < least or done < 3:
        assert time.monotonic() < until, f"{done} of {rounds} done"
        rounds += 1
        with suppress(OSError, UsageError):
            work()
            done += 1


@contextmanager
def audited(step: int, act: Callable[[], None]) -> Iterator[list[int]]:
    """Do something before that call to the system within the block; give the number of the calls."""
    seen, working = [0], True

    def hook(event: str, _: object) -> None:
        nonlocal working
        if not working or not event.startswith(("os.", "open")):
            return
        seen[0] += 1
        if seen[0] == step + 1:
            working = False
            act()
            working = True

    sys.addaudithook(hook)
    try:
        yield seen
    finally:
        working = False  # a hook cannot be removed
