"""`python -m tests.fuzz`: as many generated streams and broken manifests as you like, over all cores."""

import argparse
import multiprocessing
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from _pytest.outcomes import Failed

from sidecar_plugin.errors import SidecarPluginError
from sidecar_plugin.yamledit.source import Source
from tests.fuzz.commands import commanded
from tests.fuzz.daemonsets import hostile_daemon_set
from tests.fuzz.invariants import SPECS, check, survives
from tests.fuzz.kinds import any_kind
from tests.fuzz.manifests import stream
from tests.fuzz.markers import forged
from tests.fuzz.mutations import mutate
from tests.fuzz.names import odd_names
from tests.fuzz.reprints import reprinted

SECONDS = 2  # of computing for one case; the independent parser's time does not count
MEMORY = 256 * 1024 * 1024  # bytes of address space beyond what a process has when it begins; more ends a case as a failure


class Tally(NamedTuple):
    """How a run ended: how many cases in which way, the failures with their seeds, and the most memory that a process held."""

    counts: Counter[str]
    failures: list[tuple[int, str]]
    most: int


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


def _guarded(check_one: Callable[[int], str], seed: int) -> tuple[int, str, str, int]:
    outcome, trace = "FAILED", ""
    try:
        outcome = check_one(seed)
    except (Exception, Failed):  # noqa: BLE001  # whatever leaves a case is what is looked for, a MemoryError too
        trace = traceback.format_exc()
    return seed, outcome, trace, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _too_long(*_: Any) -> None:
    raise TimeoutError(f"no end after {SECONDS} s")


def _start() -> None:
    signal.signal(signal.SIGVTALRM, _too_long)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limit_memory()


def limit_memory() -> None:
    """Let this process have MEMORY more than it has, where the system tells how much that is (Linux)."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        held = int(statm.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (held + MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))


def run(check_one: Callable[[int], str], seeds: range, processes: int) -> Tally:
    """Check a case per seed, in processes of bounded memory."""
    counts: Counter[str] = Counter()
    failures, most = [], 0
    with multiprocessing.get_context("fork").Pool(processes, _start) as pool:
        for seed, outcome, trace, held in pool.imap_unordered(partial(_guarded, check_one), seeds, chunksize=20):
            counts[outcome] += 1
            most = max(most, held)
            if trace:
                failures.append((seed, trace))
    return Tally(counts, failures, most)


def main() -> int:
    parser = argparse.ArgumentParser("python -m tests.fuzz", description=__doc__)
    parser.add_argument(
        "kind", choices=["generate", "mutate", "commands", "reprints", "markers", "daemonsets", "names", "kinds"]
    )
    parser.add_argument("--cases", "--count", type=int, default=1000)
    parser.add_argument("--first", "--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--corpus", type=Path, action="append", default=[], help="folders of manifests to break")
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    options = parser.parse_args()
    files = sorted(path for folder in options.corpus for path in folder.rglob("*.y*ml") if path.stat().st_size < 50_000)
    if options.kind in ("mutate", "commands") and not files:
        parser.error(f"{options.kind} needs --corpus")
    started = time.monotonic()
    kinds: dict[str, Callable[[int], str]] = {
        "generate": generated,
        "mutate": partial(mutated, files),
        "commands": partial(commanded, files),
        "reprints": reprinted,
        "markers": forged,
        "daemonsets": hostile_daemon_set,
        "names": odd_names,
        "kinds": any_kind,
    }
    tally = run(kinds[options.kind], range(options.first, options.first + options.cases), options.processes)
    for seed, trace in tally.failures[:10]:
        print(f"seed {seed}:\n{trace}")
    for outcome, count in tally.counts.most_common():
        print(f"{count:8} {outcome}")
    seconds, held = time.monotonic() - started, tally.most / 1024 / 1024
    print(f"{options.cases} cases in {seconds:.0f} s, {len(tally.failures)} failed; at most {held:.0f} MB held by a process")
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
