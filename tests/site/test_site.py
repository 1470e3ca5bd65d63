"""The site in a real browser: `make test-site` builds it and opens its pages in Debian's chromium."""

import functools
import http.server
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.site.conftest import NARROW, Tab

if TYPE_CHECKING:  # the extra `site` brings it
    from playwright.sync_api import Browser

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.site


def pages_of(nav: list[dict[str, object]]) -> Iterator[str]:
    """Yield the pages in reading order."""
    for entry in nav:
        for target in entry.values():
            if isinstance(target, str):
                yield target.replace(".md", ".html")
            else:
                assert isinstance(target, list)
                yield from pages_of(target)


NAV = re.search(r"^nav:\n(?:(?:-| ).*\n)+", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
assert NAV
PAGES = list(pages_of(yaml.safe_load(NAV[0])["nav"]))


class Files(http.server.SimpleHTTPRequestHandler):
    """Serves the site without writing a log."""

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, made by MkDocs with every warning an error."""
    folder = tmp_path_factory.mktemp("site")
    command = [Path(sys.executable).parent / "mkdocs", "build", "--quiet", "--strict", "--site-dir", folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    handler = functools.partial(Files, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def tab(browser: "Browser", address: str) -> Iterator[Tab]:
    """A wide page with a clipboard."""
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    tab = Tab(context.new_page(), address)
    yield tab
    context.close()
    assert tab.complaints == []


@pytest.fixture
def narrow(browser: "Browser", address: str) -> Iterator[Tab]:
    """A page as wide as a phone."""
    context = browser.new_context(viewport=NARROW, has_touch=True, is_mobile=True)
    tab = Tab(context.new_page(), address)
    yield tab
    context.close()
    assert tab.complaints == []


def test_every_page_is_in_the_reading_order(site: Path) -> None:
    made = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    pictures = {path for path in made if path.startswith("pictures/")}  # pages of `verify --html`, not of the site
    assert made - {"404.html"} - pictures == set(PAGES)
    assert PAGES[:2] == ["index.html", "first-day.html"]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_loads_without_an_error(name: str, tab: Tab) -> None:
    """One heading, no Markdown that was taken for text, and no sideways scrolling on a narrow screen."""
    page = tab.open(name)
    assert page.locator("article h1").count() == 1
    prose = page.locator("article :is(p, li)").all_inner_texts()
    assert [text for text in prose if "```" in text or re.search(r"\n(?:- |\| |\d\. )", text)] == []
    page.set_viewport_size(NARROW)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]


def test_every_link_leads_somewhere(site: Path, tab: Tab) -> None:
    """Within the site: to a page, and to a heading where one is named."""
    found: dict[str, set[str]] = {}
    targets = set()
    for name in PAGES:
        page = tab.open(name)
        found[name] = set(page.eval_on_selector_all("[id]", "all => all.map(one => one.id)"))
        targets |= set(page.eval_on_selector_all("a[href]", "all => all.map(one => one.href)"))
    own = {target.removeprefix(tab.address).lstrip("/") for target in targets if target.startswith(tab.address)}
    dead = set()
    for target in own:
        name, _, anchor = target.partition("#")
        name = name or "index.html"
        if not (site / name).is_file() or (anchor and name in found and anchor not in found[name]):
            dead.add(target)
    assert len(own) > len(PAGES)
    assert dead == set()


def test_search_finds_daemonset(tab: Tab) -> None:
    page = tab.open("index.html")
    page.locator(".md-search__input").click()
    page.keyboard.type("DaemonSet")
    page.wait_for_selector(".md-search-result__item")
    assert "from-daemonset.html" in " ".join(
        page.eval_on_selector_all(".md-search-result__link", "all => all.map(one => one.href)")
    )
    page.locator(".md-search-result__link").first.click()
    page.wait_for_url(re.compile(r"\.html"))
    assert "DaemonSet" in page.locator("article").inner_text()


def test_a_block_of_text_is_copied_whole(tab: Tab) -> None:
    page = tab.open("first-day.html")
    block = page.locator(".highlight", has_text="platform: acs").first
    block.hover()
    block.locator(".md-clipboard, button[data-clipboard-target]").first.click()
    text = page.evaluate("navigator.clipboard.readText()")
    assert yaml.safe_load(text)["sidecars"]["agents"]["logging"]["output"]["type"] == "elasticsearch"


def test_of_a_terminal_the_commands_are_copied(tab: Tab) -> None:
    """What is copied runs: no prompt, no output."""
    page = tab.open("first-day.html")
    block = page.locator(".highlight", has_text="helm dependency update shop").first
    block.hover()
    block.locator(".md-clipboard, button[data-clipboard-target]").first.click()
    text = page.evaluate("navigator.clipboard.readText()")
    lines = [line for line in text.splitlines() if line.strip()]
    assert lines == ["helm dependency update shop", "helm template shop shop --post-renderer sidecar --kube-version 1.30"]


def test_a_narrow_screen_has_the_menu_behind_a_button(narrow: Tab) -> None:
    page = narrow.open("index.html")
    link = page.locator(".md-nav--primary a", has_text="First day").first
    assert not link.is_visible() or link.bounding_box()["x"] < 0
    page.locator("label[for=__drawer].md-header__button").click()
    link.click()
    page.wait_for_url("**/first-day.html")
    assert page.locator("article h1").inner_text().startswith("First day")
