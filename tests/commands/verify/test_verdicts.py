"""The folders of `recorded` and `documented`: pods and Jobs in, what verify says of them out.

`recorded` holds what a real node's API server said, less the fields that have no part in it; `documented` holds the shapes of
ACS, written from its documentation. To add a case, make a folder with input.json (and options.txt, if the command needs some),
run `UPDATE_CASES=1 pytest tests/commands/verify` and read what it wrote.
"""

import json
import os
from pathlib import Path

import pytest

from tests.support.command import run

FOLDER = Path(__file__).parent
CASES = sorted(path.parent for path in FOLDER.glob("*/*/input.json"))
UPDATE = bool(os.environ.get("UPDATE_CASES"))


def name(case: Path) -> str:
    return f"{case.parent.name}/{case.name}"


def options(case: Path) -> list[str]:
    file = case / "options.txt"
    return file.read_text().split() if file.exists() else []


@pytest.mark.parametrize("case", CASES, ids=name)
def test_verdicts(case: Path) -> None:
    done = run("verify", str(case / "input.json"), *options(case))
    said = f"{done.stdout.decode()}\nexit status: {done.status}\n"
    if UPDATE:
        (case / "expected.txt").write_text(said)
    assert said == (case / "expected.txt").read_text()
    assert done.stderr == ""


@pytest.mark.parametrize("case", CASES, ids=name)
def test_timelines(case: Path) -> None:
    plain, drawn = (run("verify", str(case / "input.json"), *options(case), *words) for words in ((), ("--timeline",)))
    said = drawn.stdout.removeprefix(plain.stdout).decode()
    if UPDATE:
        (case / "timeline.txt").write_text(said)
    assert said == (case / "timeline.txt").read_text()
    assert (drawn.status, drawn.stderr) == (plain.status, "")


@pytest.mark.parametrize("case", CASES, ids=name)
def test_the_json_says_what_the_tables_say(case: Path) -> None:
    done = run("verify", "-", *options(case), "--output=json", stdin=(case / "input.json").read_bytes())
    report = json.loads(done.stdout)
    assert (done.status == 1) == report["failed"]
    tables = (case / "expected.txt").read_text()
    for each in (*report["agents"], *report["jobs"]):
        thing = (
            f"Pod/{each['namespace']}/{each['pod']}: {each['agent']}"
            if "pod" in each
            else f"Job/{each['namespace']}/{each['job']}"
        )
        assert each["messages"] or each["verdict"] == "ok"
        for message in each["messages"]:
            assert f"{each['verdict']}: {thing}: {message}\n" in tables
