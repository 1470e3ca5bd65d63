"""The folders of tests/commands/convert/cases: input.yaml and the options in, expected.yaml and report.txt out (or error.txt).

To add a case, make a folder with input.yaml and options, run `UPDATE_CASES=1 pytest tests/commands/convert/test_cases.py`
and read what it
wrote.
"""

import os
import shlex
from pathlib import Path

import pytest

from sidecar_plugin.kubernetes.declarations import CONVERTIBLE
from tests.support.command import Run, run

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())
UPDATE = bool(os.environ.get("UPDATE_CASES"))
DONE = [case for case in CASES if not (case / "error.txt").exists()]
LOST = ("that order is lost", "that place is lost", "is lost, converting back writes", "not the same text to the byte")


def name(case: Path) -> str:
    return case.name


def convert(case: Path, data: bytes, options: list[str]) -> Run:
    before = Path.cwd()
    os.chdir(case)
    try:
        return run("convert", *options, "-", stdin=data)
    finally:
        os.chdir(before)


def options_of(case: Path) -> list[str]:
    return shlex.split((case / "options").read_text())


@pytest.mark.parametrize("case", CASES, ids=name)
def test_conversion(case: Path) -> None:
    done = convert(case, (case / "input.yaml").read_bytes(), options_of(case))
    if UPDATE:
        update(case, done)
    if (case / "error.txt").exists():
        assert (done.status, done.stdout) == (1, b"")
        assert done.stderr == (case / "error.txt").read_text()
    else:
        assert done.status == 0, done.stderr
        assert done.stdout.decode() == (case / "expected.yaml").read_bytes().decode()
        assert done.stderr == (case / "report.txt").read_text()


def update(case: Path, done: Run) -> None:
    for file in ("expected.yaml", "report.txt", "error.txt"):
        (case / file).unlink(missing_ok=True)
    if done.status:
        (case / "error.txt").write_text(done.stderr)
    else:
        (case / "expected.yaml").write_bytes(done.stdout)
        (case / "report.txt").write_text(done.stderr)


@pytest.mark.parametrize("case", DONE, ids=name)
def test_converting_back_gives_the_input_unless_the_report_says_what_is_lost(case: Path) -> None:
    report, options = (case / "report.txt").read_text(), options_of(case)
    if " was " not in report:
        assert (case / "expected.yaml").read_bytes() == (case / "input.yaml").read_bytes()
        return
    was = next(declaration for declaration in CONVERTIBLE if f"was {declaration}" in report)
    options[options.index("--to") + 1] = was
    options += ["--cluster-version", "1.30" if was == "native" else "1.28"]
    if "regular" in options_of(case):
        options += ["--container", "agent"]
    back = convert(case, (case / "expected.yaml").read_bytes(), options)
    if not any(words in report for words in LOST):
        assert back.stdout.decode() == (case / "input.yaml").read_bytes().decode()


@pytest.mark.parametrize("case", [case for case in DONE if case.name.startswith("injected")], ids=name)
def test_uninject_after_a_conversion_gives_what_inject_was_given(case: Path) -> None:
    before = run("uninject", "-", stdin=(case / "input.yaml").read_bytes())
    after = run("uninject", "-", stdin=(case / "expected.yaml").read_bytes())
    assert (after.status, after.stdout) == (0, before.stdout)
