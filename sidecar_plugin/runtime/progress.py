"""Progress of a run over many files, shown on a terminal."""

import sys
from collections.abc import Iterable, Sequence
from typing import TypeVar

DELAY = 0.5  # seconds without a word; most runs are over by then

Item = TypeVar("Item")


def with_progress(items: Sequence[Item], doing: str = "injecting") -> Iterable[Item]:
    """Return the items; while they are gone through, a bar on standard error tells how far, if that is a terminal.

    The bar is tqdm's. It is gone when the items are through.
    """
    if len(items) < 2 or sys.stderr is None or not sys.stderr.isatty():
        return items
    from tqdm import tqdm  # late: it costs 30 ms

    bar: Iterable[Item] = tqdm(items, desc=doing, unit=" files", delay=DELAY, leave=False, file=sys.stderr)
    return bar
