"""A measured row takes the place of its earlier one in a page, in the order of the table; all else on the page stays."""

from pathlib import Path

import pytest

from tests.agent_programs.measured_tables import PAGE, Table, cells_of

PAGE_TEXT = """\
# Page
<!-- table a: written by make test-agents -->
<!-- end of table a -->
between
<!-- table b: written by make test-agents -->
<!-- end of table b -->
end
"""
ORDER = [("killed", "one"), ("killed", "two"), ("away", "one")]


def rows(page: Path) -> list[tuple[str, ...]]:
    return [cells_of(line)[:3] for line in page.read_text().splitlines() if line.startswith("|")]


def test_rows_come_in_the_order_of_the_table_and_replace_each_other(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE_TEXT)
    table = Table("a", ("fault", "engine", "lost"), ORDER, page)
    for row in (("away", "one", "7"), ("killed", "two", "3"), ("away", "one", "0")):
        table.record(*row)
    Table("b", ("fault", "lost"), [("killed",)], page).record("killed", "1")
    assert [row for row in rows(page) if row[0] in ("killed", "away")] == [
        ("killed", "two", "3"),
        ("away", "one", "0"),
        ("killed", "1", rows(page)[-1][2]),
    ]
    text = page.read_text()
    assert text.startswith("# Page\n")
    assert "\nbetween\n" in text
    assert text.endswith("\nend\n")


def test_rows_that_the_table_has_no_more_are_removed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE_TEXT)
    Table("a", ("fault", "engine", "lost"), ORDER, page).record("killed", "one", "1")
    Table("a", ("fault", "engine", "lost"), ORDER[1:], page).record("killed", "two", "2")
    assert [row[:2] for row in rows(page)[2:]] == [("killed", "two")]


def test_a_row_of_another_width_and_a_page_without_the_table_are_errors(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE_TEXT)
    with pytest.raises(ValueError, match="has the columns fault, engine, lost"):
        Table("a", ("fault", "engine", "lost"), ORDER, page).record("killed", "one")
    with pytest.raises(ValueError, match="has no lines"):
        Table("c", ("fault",), [("killed",)], page).record("killed")


def test_the_page_has_a_place_for_the_tables() -> None:
    assert PAGE.read_text().count(": written by make test-") == PAGE.read_text().count("<!-- end of table ")
