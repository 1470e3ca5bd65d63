"""A short run of the fuzzers, with seeds that are the same every time; `python -m tests.fuzz` makes the long ones.

What it once found is in tests/injection/cases.
"""

from functools import partial
from pathlib import Path

import pytest

from tests.fuzz.__main__ import MEMORY, generated, mutated, run
from tests.fuzz.commands import commanded
from tests.fuzz.daemonsets import hostile_daemon_set
from tests.fuzz.kinds import KINDS, any_kind
from tests.fuzz.markers import forged
from tests.fuzz.names import odd_names
from tests.fuzz.reprints import reprinted

ROOT = Path(__file__).parents[2]
CORPUS = sorted(
    [
        *ROOT.glob("tests/injection/cases/*/input.yaml"),
        *ROOT.glob("tests/injection/cases/*/expected.yaml"),
        *ROOT.glob("examples/**/*.yaml"),
    ]
)
CORPUS = [path for path in CORPUS if "/templates/" not in str(path)]


@pytest.mark.parametrize("start", range(0, 320, 40))
def test_generated_streams_keep_the_invariants(start: int) -> None:
    outcomes = [generated(seed) for seed in range(start, start + 40)]
    assert outcomes.count("held") > 25


@pytest.mark.parametrize("start", range(0, 1000, 125))
def test_broken_manifests_are_handled_or_refused(start: int) -> None:
    outcomes = list(map(partial(mutated, CORPUS), range(start, start + 125)))
    assert {"held", "refused"} <= set(outcomes)


def _greedy(seed: int) -> str:
    return str(len(bytearray(2 * MEMORY))) if seed else "held"


def test_a_case_that_takes_too_much_memory_is_a_failure() -> None:
    tally = run(_greedy, range(2), 1)
    assert tally.counts == {"held": 1, "FAILED": 1}
    assert "MemoryError" in tally.failures[0][1]
    assert 0 < tally.most < 10 * MEMORY


def test_a_run_over_the_corpus_is_bounded() -> None:
    tally = run(partial(mutated, CORPUS), range(2000, 2100), 1)
    assert tally.failures == []


EVERY_COMMAND = sorted(
    path
    for folder in ("injection/cases", "commands")
    for path in (ROOT / "tests" / folder).rglob("*.*")
    if path.suffix in (".yaml", ".json") and path.stat().st_size < 30_000
)


@pytest.mark.parametrize("start", range(0, 160, 40))
def test_every_command_ends_well_on_broken_input(start: int) -> None:
    for seed in range(start, start + 40):
        commanded(EVERY_COMMAND, seed)


def test_edited_and_reprinted_injections_are_taken_out_rightly_or_refused() -> None:
    outcomes = list(map(reprinted, range(200)))
    assert {"uninject: held, inject: held", "uninject: refused, inject: refused"} <= set(outcomes)


def test_forged_markers_remove_only_what_they_name_and_the_report_says_so() -> None:
    outcomes = list(map(forged, range(300)))
    assert {"uninject: changed, inject: changed", "uninject: refused, inject: refused"} <= set(outcomes)


def test_hostile_daemonsets_write_one_new_folder_that_loads_or_nothing() -> None:
    outcomes = list(map(hostile_daemon_set, range(150)))
    assert set(outcomes) == {"made", "refused"}


def test_odd_names_end_in_a_result_or_an_error_with_a_place() -> None:
    tally = run(odd_names, range(140), 1)
    assert tally.failures == []
    assert {outcome.partition(":")[0] for outcome in tally.counts} == {"settings", "values", "options", "pods", "agents"}


def test_every_kind_of_the_table_in_every_style() -> None:
    outcomes = list(map(any_kind, range(2 * len(KINDS))))
    assert {"held", "left"} <= set(outcomes)
    assert outcomes.count("held") > len(KINDS)
