"""A short run of the fuzzers, with seeds that are the same every time; `python -m tests.fuzz` makes the long ones.

What it once found is in tests/cases.
"""

from functools import partial
from pathlib import Path

import pytest

from tests.fuzz.__main__ import generated, mutated

ROOT = Path(__file__).parent.parent
CORPUS = sorted(
    [*ROOT.glob("tests/cases/*/input.yaml"), *ROOT.glob("tests/cases/*/expected.yaml"), *ROOT.glob("examples/**/*.yaml")]
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
