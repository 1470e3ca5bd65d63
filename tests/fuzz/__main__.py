"""`python -m tests.fuzz`: as many generated streams and broken manifests as you like, over all cores."""

import argparse
import multiprocessing
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from sidecar_plugin.errors import SidecarPluginError
from sidecar_plugin.source import Source
from tests.fuzz.invariants import SPECS, check, survives
from tests.fuzz.manifests import stream
from tests.fuzz.mutations import mutate

SECONDS = 2  # of computing for one case; the independent parser's time does not count


def generated(seed: int) -> str:
    """Check the stream of a seed; return what became of it."""
    outcome = check(stream(seed), SPECS[seed % len(SPECS)], SPECS[seed // len(SPECS) % len(SPECS)])
    return outcome.refused or ("held" if outcome.read else "held; the oracle cannot read it")


def mutated(files: list[Path], seed: int) -> str:
    """Check a file broken by a seed; return what became of it."""
    data = mutate(files[seed % len(files)].read_bytes(), seed)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        try:
            text = Source.decode("in.yaml", data).text
        except SidecarPluginError as error:
            assert error.place is not None
            return "refused"
        if "sidecar-plugin.dev/" in text:  # settings are taken out, and what was injected before is updated
            return survives(text, SPECS[seed % len(SPECS)])
        outcome = check(text, SPECS[seed % len(SPECS)], SPECS[seed // len(SPECS) % len(SPECS)], ("",), oracle=False)
        return outcome.refused or "held"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _guarded(check_one: Callable[[int], str], seed: int) -> tuple[int, str, str]:
    try:
        return seed, check_one(seed), ""
    except Exception:  # noqa: BLE001  # whatever leaves a case is what is looked for
        return seed, "FAILED", traceback.format_exc()


def _too_long(*_: Any) -> None:
    raise TimeoutError(f"no end after {SECONDS} s")


def _start() -> None:
    signal.signal(signal.SIGVTALRM, _too_long)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def run(check_one: Callable[[int], str], seeds: range, processes: int) -> tuple[Counter[str], list[tuple[int, str]]]:
    """Check a case per seed; return how many ended how, and the failures with their seeds."""
    counts: Counter[str] = Counter()
    failures = []
    with multiprocessing.get_context("fork").Pool(processes, _start) as pool:
        for seed, outcome, trace in pool.imap_unordered(partial(_guarded, check_one), seeds, chunksize=20):
            counts[outcome] += 1
            if trace:
                failures.append((seed, trace))
    return counts, failures


def main() -> int:
    parser = argparse.ArgumentParser("python -m tests.fuzz", description=__doc__)
    parser.add_argument("kind", choices=["generate", "mutate"])
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--corpus", type=Path, action="append", default=[], help="folders of manifests to break")
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    options = parser.parse_args()
    files = sorted(path for folder in options.corpus for path in folder.rglob("*.y*ml") if path.stat().st_size < 50_000)
    if options.kind == "mutate" and not files:
        parser.error("mutate needs --corpus")
    started = time.monotonic()
    check_one: Callable[[int], str] = generated if options.kind == "generate" else partial(mutated, files)
    counts, failures = run(check_one, range(options.first, options.first + options.cases), options.processes)
    for seed, trace in failures[:10]:
        print(f"seed {seed}:\n{trace}")
    for outcome, count in counts.most_common():
        print(f"{count:8} {outcome}")
    print(f"{options.cases} cases in {time.monotonic() - started:.0f} s, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
