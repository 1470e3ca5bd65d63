"""Debian's chromium, for the site and for the pages that commands write."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # the extra `site` brings it
    from playwright.sync_api import Browser, Page, Request

CHROMIUM = "/usr/bin/chromium"
NARROW = {"width": 360, "height": 740}


@dataclass
class Tab:
    """A page of the browser, what it complained of, and the hosts that it asked besides the site's."""

    page: "Page"
    address: str
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("response", lambda got: self.complaints.append(f"{got.status} {got.url}") if got.status >= 400 else None)
        self.page.on("request", self._asked)

    def _asked(self, request: "Request") -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.complaints.append(f"asks another host: {request.url}")

    def open(self, name: str) -> "Page":
        """Open a page of the site, and wait until its scripts have run."""
        self.page.goto(f"{self.address}/{name}", wait_until="load")
        self.page.wait_for_selector("html.js")
        return self.page


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
