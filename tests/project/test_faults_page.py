"""docs/faults.md: each row names a test that is there, every fault test has a row, and the page is what they make."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.faults import page

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "faults.md"
RUNS = ROOT / "tests" / "faults" / "long_runs.md"
MODULES = (
    *(
        "frontends/test_bad_input_pods.py",
        "frontends/test_bad_input_runs.py",
        "frontends/test_bad_input_settings.py",
        "frontends/test_bad_input_text.py",
    ),
    *(
        "runtime/test_atomic_write.py",
        "faults/test_interrupts.py",
        "runtime/test_cache.py",
        "agents/test_sandbox.py",
        "faults/test_faults.py",
        "e2e/test_faults.py",
    ),
    *("fuzz/test_fuzz.py", "yamledit/test_yaml_test_suite.py", "commands/verify/test_bad_input.py"),
)
"""The modules whose every test is a row."""


@pytest.fixture(scope="module")
def cases() -> Mapping[str, list[str]]:
    modules = sorted({*MODULES, *(test.partition("::")[0] for test in page.named())})
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-o", "addopts=", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *(f"tests/{module}" for module in modules)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return page.collected([line for line in done.stdout.splitlines() if line.startswith("tests/")])


def test_each_row_names_a_test_that_is_there(cases: Mapping[str, list[str]]) -> None:
    assert sorted(page.named() - cases.keys()) == []


def test_every_test_of_a_fault_has_a_row(cases: Mapping[str, list[str]]) -> None:
    assert sorted(test for test in cases if test.partition("::")[0] in MODULES and test not in page.named()) == []


def test_the_page_is_what_the_tests_make(cases: Mapping[str, list[str]]) -> None:
    """`UPDATE_CASES=1 pytest tests/project/test_faults_page.py` writes it anew, after a change of such a test."""
    made = page.page(cases, RUNS.read_text().strip())
    if os.environ.get("UPDATE_CASES"):
        PAGE.write_text(made)
    assert PAGE.read_text() == made
