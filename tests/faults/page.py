"""docs/faults.md: its sections as data, and the page made of them."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

from tests.faults import homes
from tests.faults.process import Fault
from tests.faults.surroundings import TABLES

SURROUNDINGS = "faults/test_faults.py::test_a_fault_of_the_surroundings"
HOMES = "faults/test_homes.py::test_a_user_with_a_home"


class Row(NamedTuple):
    """A fault, what happened, and the test that holds it; `cases` says that the ids of its cases are the faults' names."""

    fault: str
    happened: str
    test: str
    cases: str = ""


class Section(NamedTuple):
    """Rows of one kind; `table` names faults that tests/faults/test_faults.py runs."""

    title: str
    rows: Sequence[Row]
    table: str


def sections() -> list[Section]:
    """Return the sections of rows.yaml."""
    loaded = yaml.safe_load((Path(__file__).parent / "rows.yaml").read_text())
    return [Section(each["title"], [Row(**row) for row in each.get("rows", ())], each.get("table", "")) for each in loaded]


SECTIONS = sections()

HEAD = """\
# Every fault tried, and what happened

What was done to the program to make it lose a byte, hang, or print a traceback. Each row is held by a test, with how many cases
it has, and a test holds this page: it is made from the tests' own tables (`UPDATE_CASES=1 pytest
tests/project/test_faults_page.py`).

Exit 0: done. 1: the input or the settings are refused. 2: bad usage, or the system refuses (a disk, a permission, memory). On 1
and 2 nothing is on standard output and every file is as it was. No case computes for more than 2 seconds, a hostile template
for 3; none shows a traceback.

"""
TAIL = """\

## Long runs

{runs}

## What is not ours

- Python itself starts before the program does. An interrupt in these first hundredths of a second shows Python's own traceback;
  nothing has been read then. So does a `PYTHONHOME` that holds no Python, or `ulimit -n 4`.
- `PYTHONPATH` is the user's word: a `yaml.py` in a folder that it names is imported. So it is in the current folder for
  `python -m sidecar_plugin`, not for the program `sidecar-plugin`.
- Other names of a file (hard links) keep the old content, as with `sed -i` and editors that write a new file.
- Inside a folder, links to folders are not followed, and names that begin with a dot are left out.
"""


def collected(node_ids: Sequence[str]) -> Mapping[str, list[str]]:
    """Return the ids of the cases by test, from what `pytest --collect-only -q` lists."""
    cases: dict[str, list[str]] = defaultdict(list)
    for node_id in node_ids:
        test, _, case = node_id.removeprefix("tests/").partition("[")
        cases[test].append(case.removesuffix("]"))
    return cases


def named() -> set[str]:
    """Return the tests that the page names."""
    return {row.test for section in SECTIONS for row in section.rows} | {SURROUNDINGS, HOMES}


def page(cases: Mapping[str, list[str]], runs: str) -> str:
    """Return the page."""
    total = sum(len(cases[test]) for test in named())
    parts = [HEAD, f"{total:,} cases in {len(named())} tests.\n"]
    for section in SECTIONS:
        parts.append(f"\n## {section.title}\n")
        if section.rows:
            parts.append("\n| fault | what happened | test |\n|---|---|---|\n")
            parts += [_row(row, cases[row.test]) for row in section.rows]
        if section.table == "homes":
            parts.append(f"\nThe program as a process of each user, held by `tests/{HOMES}`:\n\n")
            parts += _table(homes.rows())
        elif section.table:
            parts.append(f"\nRun as a process of its own, by `tests/{SURROUNDINGS}`:\n\n| fault | what happened |\n|---|---|\n")
            parts += [f"| {_cell(fault.what)} | {_cell(_outcome(fault))} |\n" for fault in TABLES[section.table]]
    return "".join((*parts, TAIL.format(runs=runs)))


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table; the first row is its head."""
    head, *body = (f"| {' | '.join(map(_cell, row))} |\n" for row in rows)
    return [head, "|---" * len(rows[0]) + "|\n", *body]


def _row(row: Row, cases: Sequence[str]) -> str:
    listed = f": {'; '.join(map(_plain, cases))}" if row.cases else ""
    count = f" ({len(cases)})" if len(cases) > 1 else ""
    return f"| {_cell(row.fault)}{listed} | {_cell(row.happened)} | `tests/{row.test}`{count} |\n"


def _outcome(fault: Fault) -> str:
    if fault.outcome:
        return fault.outcome
    if not fault.status:
        return "done"
    return f"exit {fault.status}: `{fault.says}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _plain(case: str) -> str:
    """Return the id of a case so that Markdown shows it as it is."""
    return re.sub(r"([\\|<>*_`#\[\]])", r"\\\1", case)
