"""Tables of docs/agents-under-load.md, whose rows the tests measure. A test replaces its own row; the others stay."""

import fcntl
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "agents-under-load.md"
CPU_INFO = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True)
class Table:
    """A table between two comments of a page. `order`: the first cells of each row it may have, such as (fault, engine)."""

    name: str
    columns: tuple[str, ...]
    order: Sequence[tuple[str, ...]]
    page: Path = PAGE
    command: str = "make test-agents"

    def record(self, *cells: str) -> None:
        """Write a row, with today's date as its last cell, in place of the row that begins with the same cells."""
        row = (*cells, str(datetime.now(timezone.utc).date()))
        if len(row) != len(self.columns) + 1:
            raise ValueError(f"table {self.name} has the columns {', '.join(self.columns)}, and the row is {cells}")
        with self.page.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            text = file.read()
            begin, end = f"<!-- table {self.name}: written by {self.command} -->\n", f"<!-- end of table {self.name} -->"
            before, found, rest = text.partition(begin)
            written, closed, after = rest.partition(end)
            if not found or not closed:
                raise ValueError(f"{self.page} has no lines {begin.strip()!r} and {end!r}")
            rows = {self.key(one): one for one in map(cells_of, written.splitlines()) if self.key(one) in self.order}
            rows[self.key(row)] = row
            lines = [(*self.columns, "measured"), ("---",) * len(row), *(rows[key] for key in self.order if key in rows)]
            table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
            file.seek(0)
            file.truncate()
            file.write(f"{before}{begin}\nMachine: {machine()}.\n\n{table}\n{end}{after}")

    def key(self, row: tuple[str, ...]) -> tuple[str, ...]:
        """Return the cells that say which row it is."""
        return row[: len(self.order[0])]


def cells_of(line: str) -> tuple[str, ...]:
    """Return the cells of a line of Markdown; a line that is no row has one at most."""
    return tuple(cell.strip() for cell in line.strip().strip("|").split("|"))


def machine() -> str:
    """Return what the figures were measured on."""
    model = next((line.partition(":")[2] for line in CPU_INFO.read_text().splitlines() if line.startswith("model name")), "")
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return (
        f"{os.cpu_count()} cores{' of' if model else ''}{model}, {gigabytes:.0f} GB, Linux {os.uname().release.split('-')[0]}"
    )
