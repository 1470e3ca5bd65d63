"""The site's reading order names every page once: a new document is a line of `nav` in mkdocs.yml."""

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
OUTSIDE = {"index.md", "contributing.md", "security.md", "changelog.md"}
"""Pages that tools/site/pages.py makes of files outside docs/, beside the agents'."""


def named(nav: list[dict[str, object]]) -> Iterator[str]:
    """Yield the pages in reading order."""
    for entry in nav:
        for target in entry.values():
            if isinstance(target, list):
                yield from named(target)
            else:
                yield str(target)


def test_every_document_is_in_the_reading_order_once() -> None:
    found = re.search(r"^nav:\n(?:(?:-| ).*\n)+", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    assert found
    pages = list(named(yaml.safe_load(found[0])["nav"]))
    documents = {path.name for path in (ROOT / "docs").glob("*.md")}
    agents = {f"agents/{path.parent.name}.md" for path in (ROOT / "templates").glob("*/README.md")}
    assert sorted(pages) == sorted(documents | agents | OUTSIDE)
    assert pages[:2] == ["index.md", "first-day.md"]
